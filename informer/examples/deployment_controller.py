"""Keep the restarts of each Deployment's pods as an annotation of the Deployment.

    python deployment_controller.py --kubeconfig FILE [--context C] [--namespace N]

A pod belongs to a ReplicaSet and the ReplicaSet to a Deployment: both steps are owner lookups
in the cache, upwards and downwards. The controller writes only the annotation.
"""

import argparse
import logging
import signal
import threading
from collections.abc import Callable

from kubernetes import config
from kubernetes.client import AppsV1Api

from kube_informer import (
    PODS,
    CachedObject,
    Resource,
    SharedInformerFactory,
    Source,
    Transport,
    WorkQueue,
    by_controller_uid,
    controller_of,
    on_any,
    run_controller,
)

log = logging.getLogger(__name__)

DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
ANNOTATION = "example.com/restarts"

Annotate = Callable[[str, str, str], None]
"""Sets the annotation of a Deployment: its namespace, its name, the value."""


class RestartController:
    """Informers of three resources, and a queue of Deployments to work on."""

    def __init__(self, source: Source, annotate: Annotate, namespace: str | None = None) -> None:
        self._annotate = annotate
        self._queue = WorkQueue[str]()
        self._factory = SharedInformerFactory(
            source, namespaces=None if namespace is None else [namespace]
        )
        self._deployments = self._factory.for_resource(DEPLOYMENTS)
        self._replica_sets = self._factory.for_resource(REPLICA_SETS)
        self._pods = self._factory.for_resource(PODS)
        for owned in (self._replica_sets, self._pods):
            owned.add_indexers({"owner": by_controller_uid})
        self._deployments.add_event_handler(on_any(lambda obj: self._queue.add(obj.key)))
        self._replica_sets.add_event_handler(on_any(self._enqueue_owner))
        self._pods.add_event_handler(on_any(self._enqueue_deployment_of_pod))

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        run_controller(self._factory, self._queue, self.reconcile, stop)

    def reconcile(self, key: str) -> None:
        """Bring the annotation of one Deployment up to date."""
        deployment = self._deployments.indexer.get_by_key(key)
        if deployment is None:
            return
        restarts = str(
            sum(
                restarts_of(pod)
                for replica_set in self._replica_sets.indexer.by_index("owner", deployment.uid)
                for pod in self._pods.indexer.by_index("owner", replica_set.uid)
            )
        )
        annotations = deployment.decode()["metadata"].get("annotations", {})
        if annotations.get(ANNOTATION) != restarts:
            self._annotate(deployment.namespace, deployment.name, restarts)
            log.info("%s: %s restarts", key, restarts)

    def _enqueue_deployment_of_pod(self, pod: CachedObject) -> None:
        owner = controller_of(pod)
        if owner is None or owner.kind != "ReplicaSet":
            return
        # If the ReplicaSet is not cached yet, its own addition enqueues the Deployment.
        replica_set = self._replica_sets.snapshot().get(pod.namespace, owner.name)
        if replica_set is not None and replica_set.uid == owner.uid:
            self._enqueue_owner(replica_set)

    def _enqueue_owner(self, replica_set: CachedObject) -> None:
        owner = controller_of(replica_set)
        if owner is not None and owner.kind == "Deployment":
            self._queue.add(f"{replica_set.namespace}/{owner.name}")


def restarts_of(pod: CachedObject) -> int:
    """Return how often the pod's containers were restarted."""
    statuses = pod.decode().get("status", {}).get("containerStatuses", [])
    return sum(status["restartCount"] for status in statuses)


def main() -> None:
    """Connect, and run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--context")
    parser.add_argument("--namespace")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    client = config.new_client_from_config(options.kubeconfig, options.context)
    deployments = AppsV1Api(client)

    def annotate(namespace: str, name: str, value: str) -> None:
        body = {"metadata": {"annotations": {ANNOTATION: value}}}
        deployments.patch_namespaced_deployment(name, namespace, body)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    transport = Transport.from_kubeconfig(options.kubeconfig, options.context)
    RestartController(transport, annotate, options.namespace).run(stop)
    transport.close()


if __name__ == "__main__":
    main()
