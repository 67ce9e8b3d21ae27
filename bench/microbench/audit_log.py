"""Synthetic audit logs of clients with known habits, in the format of each provider."""

import datetime as dt
import heapq
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

BEGIN = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC)
Event = Mapping[str, Any]
_At = tuple[float, Event]
AGENT = "{} (linux/amd64) kubernetes/f5aac2e"

PLANTED = {
    ("system:serviceaccount:web:dashboard", "pods"): "POLLS",
    ("system:serviceaccount:ci:waiter", "jobs.batch"): "GET-POLLS",
    ("system:serviceaccount:ops:exporter", "configmaps"): "PAGES",
    ("system:serviceaccount:ops:broken", "secrets"): "RELISTS",
    ("system:serviceaccount:ops:crashing", "services"): "RESTARTS",
    ("system:serviceaccount:ops:controller", "deployments.apps"): "WATCHES",
    ("system:serviceaccount:ops:agents", "nodes"): "HERD",
    ("system:kube-scheduler", "leases.coordination.k8s.io"): "LEASES",
    ("system:apiserver", "endpointslices.discovery.k8s.io"): "LOOPBACK",
    ("jane", "pods"): "CANNOT SAY",
}
SELECTING = "system:serviceaccount:selecting:"
"""Accounts of the twins: each sends the requests of a service account above, with a selector."""
PLANTED |= {
    (f"{SELECTING}{user.rpartition(':')[2]}", resource): verdict
    for (user, resource), verdict in PLANTED.items()
    if user.startswith("system:serviceaccount:") and verdict != "GET-POLLS"
}
"""(Client, resource) -> the right verdict on its habit, in a log of 20 minutes and more."""


def _event(
    user: str,
    verb: str,
    path: str,
    *,
    took_s: float = 0.02,
    agent: str = "manager/v0.0.0",
    address: str = "10.0.0.7",
    stage: str = "ResponseComplete",
    code: int = 200,
) -> Event:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "stage": stage,
        "requestURI": path,
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "sourceIPs": [address],
        "userAgent": AGENT.format(agent),
        "responseStatus": {"metadata": {}, "code": code},
        "took_s": took_s,
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }


def _every(period_s: float, seconds: float, *events: Event, begin_s: float = 0.0) -> Iterator[_At]:
    count = 0
    while (at_s := begin_s + count * period_s) < seconds:
        yield from ((at_s + index * 0.05, event) for index, event in enumerate(events))
        count += 1


def _watch(user: str, path: str, begin_s: float, lasts_s: float) -> list[_At]:
    version, lasts = 12_345 + int(begin_s), 300 + int(begin_s) % 300
    query = f"{path}?allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={lasts}"
    query += "&watch=true"
    begun = _event(user, "watch", query, stage="ResponseStarted", took_s=0.001)
    return [(begin_s, begun), (begin_s, _event(user, "watch", query, took_s=lasts_s))]


def planted(seconds: float, writes_per_s: float = 2.0) -> Iterator[Event]:
    """Yield the events of every planted client, in order of their ends, among writes to pods."""
    streams = [
        *_habits(seconds),
        *map(_selecting, _habits(seconds)),
        _every(20 / writes_per_s, seconds, *_pod_writes()),
    ]
    numbers = itertools.count()
    # a heap, because a watch's end is logged long after its beginning
    waiting: list[tuple[float, int, Event]] = []
    for begin_s, event in heapq.merge(*streams, key=lambda timed: timed[0]):
        heapq.heappush(waiting, (begin_s + event["took_s"], next(numbers), _timed(begin_s, event)))
        while waiting and waiting[0][0] <= begin_s:
            yield heapq.heappop(waiting)[2]
    yield from (event for end_s, _, event in sorted(waiting) if end_s <= seconds)


def _habits(seconds: float) -> Iterator[Iterable[_At]]:
    pods, nodes = "/api/v1/pods", "/api/v1/nodes"
    yield _every(10, seconds, _event("system:serviceaccount:web:dashboard", "list", pods))
    job = "/apis/batch/v1/namespaces/ci/jobs/build"
    yield _every(5, seconds, _event("system:serviceaccount:ci:waiter", "get", job))
    page = "/api/v1/configmaps?limit=500"
    pages = [page, *(f"{page}&continue=token{number}" for number in range(3))]
    exporter = "system:serviceaccount:ops:exporter"
    yield _every(60, seconds, *(_event(exporter, "list", path) for path in pages))
    for user, resource, version, period in (
        ("system:serviceaccount:ops:broken", "secrets", 4711, 30),
        ("system:serviceaccount:ops:crashing", "services", 0, 60),
    ):
        path = f"/api/v1/{resource}"
        for begin_s in range(3, int(seconds), period):
            resource_version = version and version + begin_s
            lists = _event(user, "list", f"{path}?limit=500&resourceVersion={resource_version}")
            yield [(begin_s, lists), *_watch(user, path, begin_s + 0.1, period - 5.0)]
    controller, path = "system:serviceaccount:ops:controller", "/apis/apps/v1/deployments"
    first = _event(controller, "list", f"{path}?limit=500&resourceVersion=0")
    yield [(1.0, first)]
    for begin_s in range(2, int(seconds), 450):
        yield _watch(controller, path, begin_s, 449.0)
    for begin_s in range(60, int(seconds), 300):
        yield [
            (
                begin_s + number / 500,
                _event(
                    "system:serviceaccount:ops:agents", "list", nodes, address=f"10.1.0.{number}"
                ),
            )
            for number in range(200)
        ]
    lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler"
    leader = ("system:kube-scheduler", "kube-scheduler/v1.37.2")
    turns = (_event(leader[0], verb, lease, agent=leader[1]) for verb in ("get", "update"))
    yield _every(2, seconds, *turns)
    uri = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
    loopback = _event("system:apiserver", "get", uri, agent="kube-apiserver/v1.37.2", address="::1")
    yield _every(10, seconds, loopback)
    yield [(30.0, _event("jane", "list", f"{pods}?limit=500", agent="kubectl/v1.37.2"))]


def _selecting(habit: Iterable[_At]) -> Iterator[_At]:
    """Yield the twins' events; the selector comes before limit and version, as clients sort."""
    for at_s, event in habit:
        user = event["user"]["username"]
        if user.startswith("system:serviceaccount:") and event["verb"] != "get":
            path, _, query = event["requestURI"].partition("?")
            uri = f"{path}?labelSelector=app%3Dshop{query and '&'}{query}"
            twin = {"username": f"{SELECTING}{user.rpartition(':')[2]}"}
            yield at_s, {**event, "user": {**event["user"], **twin}, "requestURI": uri}


def _pod_writes() -> list[Event]:
    return [
        _event(
            f"system:node:node-{number}",
            "patch",
            f"/api/v1/namespaces/shop/pods/cart-{number}/status",
            agent="kubelet/v1.37.2",
        )
        for number in range(20)
    ]


def _timed(begin_s: float, event: Event) -> Event:
    timed = {key: value for key, value in event.items() if key != "took_s"}
    for key, at_s in (
        ("requestReceivedTimestamp", begin_s),
        ("stageTimestamp", begin_s + event["took_s"]),
    ):
        timed[key] = f"{BEGIN + dt.timedelta(seconds=at_s):%Y-%m-%dT%H:%M:%S.%fZ}"
    return timed


def _json(record: object) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _lines(records: Iterable[object]) -> Iterator[bytes]:
    return (_json(record) + b"\n" for record in records)


def _with_reference(event: Event) -> Event:
    """Return the event as an API server writes it, with its object in ``objectRef``."""
    parts = event["requestURI"].partition("?")[0].strip("/").split("/")
    reference: dict[str, str] = {}
    if parts[0] == "apis":
        reference["apiGroup"] = parts[1]
    parts = parts[2 if parts[0] == "api" else 3 :]
    if parts[0] == "namespaces" and len(parts) > 2:
        reference["namespace"] = parts[1]
        parts = parts[2:]
    reference.update(zip(("resource", "name", "subresource"), parts, strict=False))
    return {**event, "objectRef": reference}


def _batches(events: Iterable[Event], size: int = 50) -> Iterator[list[Event]]:
    rows = iter(events)
    while batch := list(itertools.islice(rows, size)):
        yield batch


def _google(event: Event) -> Iterator[Event]:
    """Yield Google's entries of an event: the object in names, no query."""
    reference = _with_reference(event)["objectRef"]
    group = reference.get("apiGroup", "core")
    package = group.removesuffix(".k8s.io").split(".")
    sub = reference.get("subresource")
    method = [reference["resource"], *([sub] if sub else []), event["verb"]]
    path = event["requestURI"].partition("?")[0].strip("/").split("/")
    name = path[1:] if path[0] == "apis" else ["core", *path[1:]]
    begins = event["stage"] == "ResponseStarted"
    yield {
        "insertId": "1",
        "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Fdata_access",
        "operation": {
            "first": begins or event["verb"] != "watch",
            "last": not begins,
            "producer": "k8s.io",
        },
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "authenticationInfo": {"principalEmail": event["user"]["username"]},
            "methodName": ".".join(["io.k8s", *package, "v1", *method]),
            "requestMetadata": {
                "callerIp": event["sourceIPs"][0],
                "callerSuppliedUserAgent": event["userAgent"],
            },
            "resourceName": "/".join(name),
            "serviceName": "k8s.io",
            "status": {"code": 0},
        },
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "shop"}},
        "timestamp": event["stageTimestamp"] if not begins else event["requestReceivedTimestamp"],
    }


def _azure(log: object) -> Event:
    return {
        "time": "2026-03-01T06:00:00.0000000Z",
        "category": "kube-audit",
        "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "properties": {"log": log, "stream": "stdout", "pod": "kube-apiserver-0"},
    }


def _message(event: Event) -> Event:
    return {"timestamp": 1772344800000, "message": _json(event).decode(), "id": "1"}


FORMATS: Mapping[str, Callable[[Iterable[Event]], Iterator[bytes]]] = {
    "kubernetes": lambda events: _lines(map(_with_reference, events)),
    "kubernetes-without-reference": _lines,
    "webhook": lambda events: _lines(
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": batch}
        for batch in _batches(events)
    ),
    "eks-s3": lambda events: (
        event["stageTimestamp"].encode() + b" " + _json(_with_reference(event)) + b"\n"
        for event in events
    ),
    "eks-api": lambda events: iter(
        [json.dumps({"events": [_message(event) for event in events]}, indent=4).encode()]
    ),
    "eks-subscription": lambda events: (
        _json({"messageType": "DATA_MESSAGE", "logEvents": [_message(event) for event in batch]})
        for batch in _batches(events)
    ),
    "gke": lambda events: _lines(itertools.chain.from_iterable(map(_google, events))),
    "gke-gcloud": lambda events: iter(
        [json.dumps([entry for event in events for entry in _google(event)], indent=2).encode()]
    ),
    "aks-text": lambda events: _lines(_azure(_json(event).decode() + "\n") for event in events),
    "aks-object": lambda events: _lines(map(_azure, events)),
}
"""Format name -> function that encodes events as that provider does."""
