"""``official-informer``: the official client's own ``SharedInformer``, used as its users do.

Pods are cached as models, and each answer is serialised from them. This module adds
only the features that the routes need and that informer lacks: whether it has listed,
and its version.
"""

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kubernetes.informer import ADDED, BOOKMARK, DELETED, MODIFIED, SharedInformer
from prometheus_client import CollectorRegistry

from kube_informer import Health, Snapshot
from kube_informer.objects import decode_object
from servers.cached import CachedSource
from servers.models import to_json, typed_client
from servers.server import Contract, Server, Settings
from servers.source import Pod, PodPage, PodQuery, PodSource, SourceError, pod_not_found

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

STOP_S = 1.0
"""Seconds to wait for its thread, which ends only when the next event comes."""


class OfficialCache:
    """The official informer over pods, with a version and a way to wait for one."""

    def __init__(self, list_pods: Callable[..., Any], namespace: str | None) -> None:
        self._moved = threading.Condition()
        self._version = ""
        self._listed_at = "0"
        self._last_snapshot = Snapshot()
        self._informer = SharedInformer(  # type: ignore[no-untyped-call]
            self._recording(list_pods), namespace=namespace
        )
        for event in (ADDED, MODIFIED, DELETED):
            self._informer.add_event_handler(event, self._on_object)  # type: ignore[no-untyped-call]
        self._informer.add_event_handler(BOOKMARK, self._on_bookmark)  # type: ignore[no-untyped-call]

    def start(self) -> None:
        """Start to list and watch."""
        self._informer.start()  # type: ignore[no-untyped-call]

    def stop(self) -> bool:
        """Ask it to stop and wait a little; return whether it has. Its thread is a daemon."""
        stopping = threading.Thread(target=self._informer.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_S)
        return not stopping.is_alive()

    @property
    def resource_version(self) -> str:
        """A version that the cache includes; "" before the first list."""
        return self._version

    def models(self) -> list[Any]:
        """Return all pods as models, in the API server's order."""
        return sorted(
            self._informer.cache.list(),
            key=lambda pod: f"{pod.metadata.namespace}/{pod.metadata.name}",
        )

    def model(self, namespace: str, name: str) -> Any:  # noqa: ANN401 - V1Pod or None, untyped
        """Return one pod as a model, or ``None``."""
        return self._informer.cache.get_by_key(f"{namespace}/{name}")

    def snapshot(self) -> Snapshot:
        """Return the state as a snapshot, made anew after each change of version: slow."""
        version, last = self._version, self._last_snapshot
        if last.resource_version != version:
            objects = [decode_object(to_json(pod)) for pod in self.models()]
            last = self._last_snapshot = Snapshot.of(objects, version)
        return last

    def wait_until(self, resource_version: str, timeout: float) -> bool:
        """Wait until the cache includes this version; return whether it does."""
        requested = int(resource_version)
        with self._moved:
            return self._moved.wait_for(
                lambda: bool(self._version) and int(self._version) >= requested, timeout
            )

    @property
    def health(self) -> Health:
        """Whether it is filled; the official informer reports no more."""
        return Health("" if self._version else "the first fill is under way", 0.0)

    def _recording(self, list_pods: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the informer's list and watch call: once it watches, the list is in the cache."""

        @functools.wraps(list_pods)  # the official watch reads the return type from the docstring
        def listing(**arguments: Any) -> Any:  # noqa: ANN401 - the client's own call
            if arguments.get("watch"):
                self._reach(self._listed_at)
                return list_pods(**arguments)
            answer = list_pods(**arguments)
            self._listed_at = answer.metadata.resource_version
            return answer

        return listing

    def _on_object(self, pod: Any) -> None:  # noqa: ANN401 - V1Pod, untyped
        self._reach(pod.metadata.resource_version)

    def _on_bookmark(self, event: Any) -> None:  # noqa: ANN401 - a mapping
        self._reach(event["metadata"]["resourceVersion"])

    def _reach(self, version: str) -> None:
        with self._moved:
            if not self._version or int(version) > int(self._version):
                self._version = version
                self._moved.notify_all()


class OfficialInformerSource(CachedSource):
    """Whole lists and single pods from the models; selections and pages from their snapshot."""

    def __init__(self, cache: OfficialCache, api: "CoreV1Api") -> None:
        super().__init__(cache, api.api_client.rest_client)
        self._cache = cache

    def list_pods(self, query: PodQuery) -> PodPage:
        """List; see :class:`servers.source.PodSource`."""
        plain = PodQuery(namespace=query.namespace)
        if query != plain:
            return super().list_pods(query)
        version = self._filled_version()
        pods = self._cache.models()
        if query.namespace is not None:
            pods = [pod for pod in pods if pod.metadata.namespace == query.namespace]
        body = b",".join([to_json(pod) for pod in pods])
        return PodPage([body] if body else [], version)

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Get one pod; see :class:`servers.source.PodSource`."""
        if resource_version not in ("", "0"):
            return super().get_pod(namespace, name, resource_version)
        self._filled_version()
        pod = self._cache.model(namespace, name)
        if pod is None:
            raise pod_not_found(name)
        return Pod([to_json(pod)], pod.metadata.resource_version)

    def check_ready(self) -> None:
        """Return once the first list is in the cache."""
        self._filled_version()

    def _filled_version(self) -> str:
        version = self._cache.resource_version
        if not version:
            raise SourceError(503, "the cache is not filled yet", retry_after_s=1)
        return version


def _build(settings: Settings, registry: CollectorRegistry) -> PodSource:
    api = typed_client(settings, registry)
    call: Callable[..., Any] = api.list_pod_for_all_namespaces
    if settings.namespace is not None:
        call = api.list_namespaced_pod
    return OfficialInformerSource(OfficialCache(call, settings.namespace), api)


SERVER = Server(
    "informer",
    "reads the official Python client's own informer, pods held as models",
    _build,
    contract=Contract.CONTENT,
)
