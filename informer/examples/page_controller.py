"""Keep a ConfigMap with the text of each Page, a custom resource (page.crd.yaml).

    python page_controller.py --kubeconfig FILE [--context C] [--namespace N]

The Page owns its ConfigMap: the controller restores a ConfigMap that was edited or deleted, and
the cluster's garbage collector deletes it with its Page.
"""

import argparse
import logging
import signal
import threading
from typing import Any, Protocol

from kubernetes import config
from kubernetes.client import CoreV1Api, CustomObjectsApi

from kube_informer import (
    CONFIGMAPS,
    CachedObject,
    Resource,
    SharedInformerFactory,
    Source,
    Transport,
    WorkQueue,
    controller_of,
    on_any,
    run_controller,
)

log = logging.getLogger(__name__)

PAGES = Resource("example.com", "v1", "pages")


class Writer(Protocol):
    """Writes for the controller; a unit test passes a recorder."""

    def create(self, config_map: dict[str, Any]) -> None:
        """Create a ConfigMap."""

    def replace(self, config_map: dict[str, Any]) -> None:
        """Replace a ConfigMap at the version that it names, else fail with a conflict."""

    def observed(self, page: CachedObject, generation: int) -> None:
        """Write the generation that was acted on into the status of a Page."""


class PageController:
    """Informers of Pages and ConfigMaps, and a queue of Pages to work on."""

    def __init__(self, source: Source, writer: Writer, namespace: str | None = None) -> None:
        self._writer = writer
        self._queue = WorkQueue[str]()
        self._factory = SharedInformerFactory(
            source, namespaces=None if namespace is None else [namespace]
        )
        self._pages = self._factory.for_resource(PAGES)
        self._config_maps = self._factory.for_resource(CONFIGMAPS)
        self._pages.add_event_handler(on_any(lambda page: self._queue.add(page.key)))
        self._config_maps.add_event_handler(on_any(self._enqueue_owner))

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        run_controller(self._factory, self._queue, self.reconcile, stop)

    def reconcile(self, key: str) -> None:
        """Bring the ConfigMap of one Page up to date, then the Page's status.

        The cache may lag behind the latest write: a create or a replace then fails with a
        conflict, and the queue retries once the cache has caught up.
        """
        page = self._pages.indexer.get_by_key(key)
        if page is None:
            return  # the cluster's garbage collector deletes its ConfigMap
        document = page.decode()
        desired = config_map_of(page, document["spec"]["text"])
        actual = self._config_maps.indexer.get_by_key(key)
        if actual is None:
            self._writer.create(desired)
            log.info("%s: created its ConfigMap", key)
        else:
            owner = controller_of(actual)
            if owner is None or owner.uid != page.uid:
                raise RuntimeError(
                    f"ConfigMap {key} is not owned by Page {key}; delete one of them"
                )
            if actual.decode().get("data") != desired["data"]:
                desired["metadata"]["resourceVersion"] = actual.resource_version
                self._writer.replace(desired)
                log.info("%s: replaced its ConfigMap", key)
        generation = document["metadata"].get("generation", 0)
        if document.get("status", {}).get("observedGeneration") != generation:
            self._writer.observed(page, generation)

    def _enqueue_owner(self, config_map: CachedObject) -> None:
        owner = controller_of(config_map)
        if owner is not None and owner.kind == "Page":
            self._queue.add(f"{config_map.namespace}/{owner.name}")


def config_map_of(page: CachedObject, text: str) -> dict[str, Any]:
    """Return the ConfigMap of a Page."""
    owner = {
        "apiVersion": "example.com/v1",
        "kind": "Page",
        "name": page.name,
        "uid": page.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "metadata": {
            "name": page.name,
            "namespace": page.namespace,
            "ownerReferences": [owner],
        },
        "data": {"index.html": f"<p>{text}</p>\n"},
    }


class ClusterWriter:
    """Writes to a cluster with the official client."""

    def __init__(self, kubeconfig: str, context: str | None) -> None:
        client = config.new_client_from_config(kubeconfig, context)
        self._core = CoreV1Api(client)
        self._custom = CustomObjectsApi(client)

    def create(self, config_map: dict[str, Any]) -> None:
        """Create a ConfigMap."""
        self._core.create_namespaced_config_map(config_map["metadata"]["namespace"], config_map)

    def replace(self, config_map: dict[str, Any]) -> None:
        """Replace a ConfigMap at the version that it names."""
        metadata = config_map["metadata"]
        self._core.replace_namespaced_config_map(
            metadata["name"], metadata["namespace"], config_map
        )

    def observed(self, page: CachedObject, generation: int) -> None:
        """Write the status of a Page."""
        body = {"status": {"observedGeneration": generation}}
        self._custom.patch_namespaced_custom_object_status(
            PAGES.group, PAGES.version, page.namespace, PAGES.plural, page.name, body
        )


def main() -> None:
    """Connect, and run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--context")
    parser.add_argument("--namespace")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    transport = Transport.from_kubeconfig(options.kubeconfig, options.context)
    writer = ClusterWriter(options.kubeconfig, options.context)
    PageController(transport, writer, options.namespace).run(stop)
    transport.close()


if __name__ == "__main__":
    main()
