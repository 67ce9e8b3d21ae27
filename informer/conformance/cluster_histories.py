"""Histories on a real control plane, which all subjects watch at the same time."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.cluster.api import Api, ApiError
from bench.cluster.control_plane import ControlPlane
from informer.conformance.processes import Subject
from informer.conformance.scripted_histories import Truth
from kube_informer import PODS, Resource

EVENTS = Resource("", "v1", "events")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
WIDGETS = Resource("conformance.example.com", "v1", "widgets")
COMPONENT_STATUSES = Resource("", "v1", "componentstatuses", namespaced=False)

EVENT_TTL_S = 6
WAIT_S = 60.0
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A control plane and the namespace of one history."""

    plane: ControlPlane
    api: Api
    namespace: str

    def path(self, resource: Resource, name: str = "") -> str:
        """Return the path of a collection, or of one object of it."""
        collection = resource.path(self.namespace if resource.namespaced else None)
        return f"{collection}/{name}" if name else collection


@dataclass(frozen=True, slots=True)
class ClusterHistory:
    """A history on the control plane; ``before`` runs before the subjects start."""

    name: str
    resource: Resource
    before: Callable[[Cluster], None]
    play: Callable[[Cluster, Sequence[Subject]], None]
    objects: str = "dynamic"
    short: bool = False


def truth(cluster: Cluster, resource: Resource) -> Truth:
    """Return the content of a LIST: resourceVersions by key."""
    try:
        items = cluster.api.get(cluster.path(resource))["items"]
    except ApiError:
        return {}  # the resource itself is gone
    metadata = [item["metadata"] for item in items]
    return {
        "/".join(filter(None, (m.get("namespace"), m["name"]))): m.get("resourceVersion", "")
        for m in metadata
    }


def _await_objects(subjects: Sequence[Subject], keys: int) -> None:
    """Wait until every subject was notified of ``keys`` objects, or the time is up."""
    for subject in subjects:
        subject.wait(partial(_was_notified, subject, keys), WAIT_S)


def _was_notified(subject: Subject, keys: int) -> bool:
    return len(subject.notified()) == keys


def _counted_adds(subject: Subject, minimum: int) -> bool:
    return subject.count("add") >= minimum


def _create_pods(cluster: Cluster, names: Sequence[str]) -> None:
    for name in names:
        spec = {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]}
        cluster.api.post(cluster.path(PODS), {"metadata": {"name": name}, "spec": spec})


def _first_pods(cluster: Cluster) -> None:
    _create_pods(cluster, [f"first-{i}" for i in range(20)])


def _write_pods(cluster: Cluster, subjects: Sequence[Subject]) -> None:
    _await_objects(subjects, 20)
    _create_pods(cluster, [f"later-{i}" for i in range(20)])
    for i in range(0, 20, 2):
        labels = {"metadata": {"labels": {"at": str(i)}}}
        cluster.api.merge_patch(cluster.path(PODS, f"first-{i}"), labels)
    for i in range(1, 20, 2):
        cluster.api.delete(cluster.path(PODS, f"later-{i}") + "?gracePeriodSeconds=0")
    for _ in range(3):  # one name, three objects
        cluster.api.delete(cluster.path(PODS, "first-1") + "?gracePeriodSeconds=0")
        _create_pods(cluster, ["first-1"])


def _post_events(cluster: Cluster, _: Sequence[Subject] = ()) -> None:
    involved = {"kind": "Pod", "namespace": cluster.namespace, "name": "p"}
    for number in itertools.islice(_numbers, 30):
        body = {"metadata": {"name": f"e-{number}"}, "involvedObject": involved, "reason": "R"}
        cluster.api.post(cluster.path(EVENTS), body)


_numbers = itertools.count()


def _let_events_expire(cluster: Cluster, subjects: Sequence[Subject]) -> None:
    _post_events(cluster)
    for subject in subjects:
        subject.wait(partial(_counted_adds, subject, 60), WAIT_S)
    subjects[0].wait(lambda: not truth(cluster, EVENTS), WAIT_S)


def _renew_leases(cluster: Cluster, _: Sequence[Subject] = ()) -> None:
    for i in range(3):
        path = cluster.path(LEASES, f"lease-{i}")
        for renewal in range(20):
            spec = {"holderIdentity": f"holder-{renewal}", "leaseTransitions": renewal}
            cluster.api.merge_patch(path, {"spec": spec})


def _create_leases(cluster: Cluster) -> None:
    for i in range(3):
        spec = {"holderIdentity": "nobody", "leaseDurationSeconds": 15}
        cluster.api.post(cluster.path(LEASES), {"metadata": {"name": f"lease-{i}"}, "spec": spec})


_CRD: Mapping[str, Any] = {
    "metadata": {"name": f"{WIDGETS.plural}.{WIDGETS.group}"},
    "spec": {
        "group": WIDGETS.group,
        "scope": "Namespaced",
        "names": {"plural": WIDGETS.plural, "kind": "Widget", "singular": "widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}
_CRD_PATH = f"{CRDS}/{WIDGETS.plural}.{WIDGETS.group}"


def _retry(request: Callable[[], object]) -> None:
    """Repeat ``request`` until it succeeds: the API server needs a moment for a new definition."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            request()
        except ApiError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _create_widget(cluster: Cluster, name: str) -> None:
    body = {
        "kind": "Widget",
        "apiVersion": "conformance.example.com/v1",
        "metadata": {"name": name},
    }
    _retry(lambda: cluster.api.post(cluster.path(WIDGETS), body))


def _make_crd(cluster: Cluster) -> None:
    cluster.api.post(CRDS, _CRD)
    _create_widget(cluster, "first")


def _make_crd_again(cluster: Cluster, subjects: Sequence[Subject]) -> None:
    _await_objects(subjects, 1)
    cluster.api.delete(_CRD_PATH)

    def gone() -> None:
        try:
            cluster.api.get(_CRD_PATH)
        except ApiError:
            return
        raise ApiError("GET", _CRD_PATH, 200, "Exists", "the definition is still there")

    _retry(gone)
    _await_objects(subjects, 0)
    cluster.api.post(CRDS, _CRD)
    _create_widget(cluster, "second")


def _nothing(*_: object) -> None:
    """Do nothing: the first fill is the history."""


HISTORIES: tuple[ClusterHistory, ...] = (
    ClusterHistory("pods", PODS, _first_pods, _write_pods, short=True),
    ClusterHistory("pods, metadata only", PODS, _first_pods, _write_pods, objects="metadata"),
    ClusterHistory("pods, as protobuf", PODS, _first_pods, _write_pods, objects="typed"),
    ClusterHistory("Leases that are renewed", LEASES, _create_leases, _renew_leases),
    ClusterHistory("Events that expire together", EVENTS, _post_events, _let_events_expire),
    ClusterHistory("a CRD deleted and made again", WIDGETS, _make_crd, _make_crd_again),
    ClusterHistory(
        "componentstatuses, which cannot be watched", COMPONENT_STATUSES, _nothing, _nothing
    ),
)
"""In the order of the table."""
