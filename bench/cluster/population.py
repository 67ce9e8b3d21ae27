"""Write the population into a cluster: create pods, bound to a node, and set their status."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from http import HTTPStatus
from typing import TypeVar

import msgspec

from bench.cluster.api import Api, ApiError
from bench.cluster.objects import ObjectKey, draw_objects, manifest
from bench.cluster.placement import Placement
from bench.cluster.pods import PodKey
from bench.model import Objects
from bench.plan.kinds import CustomKind, api_path, custom_kind
from bench.supervision.waiting import wait_until

T = TypeVar("T")
WRITERS = 16
OPEN = Placement()
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVED_S, POLL_S = 20.0, 0.1
"""How long an API server may take to serve a newly defined kind."""
Progress = Callable[[int, int], None]


def populate(
    api: Api,
    pods: Iterable[PodKey],
    placement: Placement = OPEN,
    *,
    progress: Progress = lambda _done, _all: None,
) -> None:
    """Create namespaces and pods with their statuses, ``WRITERS`` at a time.

    ``progress(done, all)`` is called about every hundredth pod. Raises
    ``ApiError`` or ``ApiUnreachableError`` from the first write that fails.
    """
    all_pods = list(pods)
    if not placement.confined:
        for namespace in sorted({pod.namespace for pod in all_pods}):
            ensure_namespace(api, namespace)
    pace = _Pace(placement)

    def create(pod: PodKey) -> None:
        pace.wait()
        create_pod(api, pod, placement)

    _write(all_pods, create, progress)


def create_objects(
    api: Api, objects: Objects, *, progress: Progress = lambda _done, _all: None
) -> None:
    """Create objects of another kind, as ``populate`` creates pods; raises the same errors.

    Raises ``TimeoutError`` if the API server does not serve a user's kind.
    """
    kind = api_path(objects)
    keys = draw_objects(kind, objects.count)
    for namespace in sorted({key.namespace for key in keys}):
        ensure_namespace(api, namespace)
    if objects.definition:
        _define(api, custom_kind(objects.definition), kind)

    def create(key: ObjectKey) -> None:
        api.post(key.collection, manifest(key, objects))

    try:
        _write(keys, create, progress)
    except ApiError as error:
        if objects.definition and error.code == HTTPStatus.UNPROCESSABLE_ENTITY:
            cause = "all are copies of the object beside the CustomResourceDefinition in its file"
            error.args = (f"{error}\n{cause}: put a valid one there, after a line of ---",)
        raise


def _define(api: Api, custom: CustomKind, kind: str) -> None:
    """Create a user's kind, and wait until its objects can be listed."""
    api.post(DEFINITIONS, custom.definition)

    def is_served() -> bool:
        try:
            return bool(api.get_bytes(f"{kind}?limit=1"))
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return False

    if not wait_until(is_served, SERVED_S, POLL_S):
        conditions = api.get(f"{DEFINITIONS}/{custom.resource}").get("status", {}).get("conditions")
        raise TimeoutError(f"the API server does not serve {custom.resource}: {conditions}")


def _write(items: Sequence[T], create: Callable[[T], object], progress: Progress) -> None:
    """Create all ``items``, ``WRITERS`` at a time; report progress at each hundredth of them."""
    report_every = max(1, len(items) // 100)
    with ThreadPoolExecutor(WRITERS) as writers:
        try:
            futures = [writers.submit(create, item) for item in items]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                if done % report_every == 0 or done == len(items):
                    progress(done, len(items))
        finally:
            # also on Ctrl-C: writers stop after their present pod
            writers.shutdown(cancel_futures=True)


def ensure_namespace(api: Api, name: str) -> None:
    """Create the namespace unless it is there."""
    api.ensure("/api/v1/namespaces", {"metadata": {"name": name}})


def create_pod(api: Api, pod: PodKey, placement: Placement = OPEN) -> str:
    """Create the pod, then set its status; return the resourceVersion of the last write."""
    body = msgspec.json.encode(placement.manifest(pod))
    created = api.request("POST", f"/api/v1/namespaces/{pod.namespace}/pods", body)
    return set_status(api, pod, placement) if placement.writes_status else written_version(created)


def set_status(api: Api, pod: PodKey, placement: Placement = OPEN) -> str:
    """Set the status of a pod that has no other writer; return the resourceVersion.

    Without another writer the update needs no resourceVersion. It omits the spec, which the
    API server ignores here, and keeps labels and annotations, which it does not ignore.
    """
    body = placement.manifest(pod)
    del body["spec"]
    body["status"] = placement.status(pod)
    return written_version(api.request("PUT", f"{pod.path}/status", msgspec.json.encode(body)))


def written_version(body: bytes) -> str:
    """Return the resourceVersion of the object in a write's answer."""
    return _WRITTEN.decode(body).metadata.resource_version


class _Metadata(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion")


class _Written(msgspec.Struct):
    metadata: _Metadata


_WRITTEN = msgspec.json.Decoder(_Written)


class _Pace:
    """Pace several threads, so that they write no faster than the placement allows."""

    def __init__(self, placement: Placement) -> None:
        writes = 2 if placement.writes_status else 1
        self._period_s = writes / placement.writes_per_s if placement.writes_per_s else 0.0
        self._due = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self._period_s:
            return
        with self._lock:
            due, self._due = self._due, max(self._due, time.monotonic()) + self._period_s
        time.sleep(max(0.0, due - time.monotonic()))
