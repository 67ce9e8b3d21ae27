"""Check that all servers give identical answers, with churn stopped.

The check is a separate phase: no load runs, and every write is acknowledged before the
first request. Answers are compared field by field.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count, islice
from typing import Any

from bench.cluster.api import Api
from bench.cluster.placement import Placement
from bench.cluster.plane import Plane
from bench.cluster.populated import PopulatedCluster
from bench.load.routes import load as load_route
from bench.model import SCHEMA, Answer, EqualityRecord, Scenario, Targets
from bench.supervision.watchdog import Watchdog
from bench.sut.client import Endpoint, Reply
from bench.sut.json_diff import differences, without_nulls
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerError, ServerKind
from bench.sut.server import ServerUnderTest

CHURN_S = 2.0
"""How long churn runs before the requests, so that the informer has changes to apply."""
CATCH_UP_S = 10.0
ATTEMPTS = 2
AGAIN_S = 0.2
SHOWN_DIFFERENCES = 5
REQUESTS_PER_ROUTE = 40
CONTENT = "content"
METADATA = "metadata"
"""Contracts of ``ServerKind``: the same content without nulls, and metadata alone."""


def equivalence_phase(
    cluster: PopulatedCluster[Plane],
    kinds: Sequence[ServerKind],
    scenarios: Sequence[Scenario],
    *,
    watchdog: Watchdog,
) -> EqualityRecord:
    """Start all servers, run churn for a moment, stop it, and compare the servers' answers.

    Compares every query of the scenarios, at most ``REQUESTS_PER_ROUTE`` of each route.
    Servers whose contract is metadata alone are left out. Raises ``ProcessFailed`` if a
    server does not start, ``ServerError`` if one does not answer.
    """
    plane = cluster.plane
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                ServerUnderTest.start(
                    ServerSpec.on(plane, kind, plane.folder / f"equality-{kind.name}.log"), watchdog
                )
            )
            for kind in kinds
            if kind.contract != METADATA
        ]
        cluster.churn.resume(max(scenario.churn_per_s for scenario in scenarios))
        time.sleep(CHURN_S)
        version = cluster.churn.pause().resource_version
        return compare_servers(
            servers, _paths(scenarios, cluster.targets), resource_version=version
        )


def _paths(scenarios: Sequence[Scenario], targets: Targets) -> list[str]:
    paths: dict[str, None] = {}
    for scenario in scenarios:
        asks = load_route(scenario.route).asks(targets)
        paths |= dict.fromkeys(ask.path for ask in asks[:REQUESTS_PER_ROUTE])
    return list(paths)


def compare_servers(
    servers: Sequence[ServerUnderTest], paths: Sequence[str], *, resource_version: str
) -> EqualityRecord:
    """Request every path from every server and compare each answer with the first server's.

    ``resource_version`` is that of the last acknowledged pod write: each server has
    ``CATCH_UP_S`` to reach it. If one names no version, requests are repeated for that
    time until the answers agree. A path is requested once more after a mismatch; the
    differences of the first and the last attempt are kept. Raises ``ServerError`` if a
    server does not answer.
    """
    unversioned = tuple(server for server in servers if not server.names_versions("/pods"))
    late = [
        f"{server.kind.name} did not reach resourceVersion {resource_version} in {CATCH_UP_S:g} s"
        for server in servers
        if server not in unversioned
        and not server.wait_for_version("/pods", resource_version, timeout_s=CATCH_UP_S)
    ]
    until = time.monotonic() + (CATCH_UP_S if unversioned else 0.0)
    answers = [_compare_path(servers, path, until) for path in paths]
    if late:
        answers.insert(0, Answer("/pods", equal=False, attempts=1, differences=tuple(late)))
    return EqualityRecord(
        SCHEMA,
        tuple(server.kind.name for server in servers),
        resource_version,
        tuple(answers),
        without_version=tuple(server.kind.name for server in unversioned),
    )


def compare_with_list(
    server: Endpoint,
    api: Api,
    *,
    resource_version: str,
    listed_at: str = "/api/v1/pods",
    catch_up_s: float = CATCH_UP_S,
) -> tuple[str, ...]:
    """Compare the server's ``/pods`` with a LIST of ``listed_at``; return the differences.

    The server has ``catch_up_s`` to reach ``resource_version``; if it names no version, the
    same time to give the LIST's answer.
    """
    until = time.monotonic()
    if not server.names_versions("/pods"):
        until += catch_up_s
    elif not server.wait_for_version("/pods", resource_version, timeout_s=catch_up_s):
        return (f"did not reach resourceVersion {resource_version} in {catch_up_s:g} s",)
    listed = json.loads(api.get_bytes(listed_at))["items"]
    expected = [{"kind": "Pod", "apiVersion": "v1", **pod} for pod in listed]
    if server.kind.contract == METADATA:
        type_meta = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        expected = [{**type_meta, "metadata": pod["metadata"]} for pod in listed]
    while True:
        reply = _decoded(server.get("/pods"))
        answers = {"the API server": expected, server.kind.name: reply.get("result")}
        if server.kind.contract == CONTENT:
            answers = {name: without_nulls(answer) for name, answer in answers.items()}
        differing = tuple(_first_texts(differences(answers)))
        if not differing or time.monotonic() > until:
            return differing
        time.sleep(AGAIN_S)


def listed(api: Api, placement: Placement, path: str) -> set[tuple[str, str]]:
    """Return namespace and name of the pods that the API server lists for the route ``path``."""
    route, _, query = path.partition("?")
    namespace = route.split("/")[2:]
    list_path = f"/api/v1/namespaces/{namespace[0]}/pods" if namespace else placement.pods_path
    pods = (item["metadata"] for item in api.get(f"{list_path}?{query}")["items"])
    return {(pod["namespace"], pod["name"]) for pod in pods}


def _compare_path(servers: Sequence[ServerUnderTest], path: str, until: float) -> Answer:
    """Compare until the answers agree; give up after ``ATTEMPTS``, but not before ``until``."""
    loose = {server.kind.name for server in servers if server.kind.contract == CONTENT}
    by_attempt: dict[int, list[str]] = {}
    for attempt in count(1):
        replies = {server.kind.name: server.get(path) for server in servers}
        differing = list(_first_texts(_reply_differences(replies, loose)))
        if differing:
            by_attempt[attempt] = differing
        if not differing or (attempt >= ATTEMPTS and time.monotonic() > until):
            shown = dict.fromkeys([*by_attempt][:1] + [*by_attempt][-1:])
            texts = tuple(f"attempt {n}: {text}" for n in shown for text in by_attempt[n])
            return Answer(path, equal=not differing, attempts=attempt, differences=texts)
        if attempt >= ATTEMPTS:
            time.sleep(AGAIN_S)
    raise AssertionError("the count has no end")


def _reply_differences(replies: Mapping[str, Reply], loose: set[str]) -> Iterator[str]:
    """Compare each reply with the first; ignore nulls if one of the two is ``loose``."""
    reference, *others = replies
    for other in others:
        pair = {name: replies[name] for name in (reference, other)}
        if replies[reference].body == replies[other].body and (
            replies[reference].status == replies[other].status
        ):
            continue
        yield from differences({name: reply.status for name, reply in pair.items()}, "status")
        bodies = {name: _decoded(reply) for name, reply in pair.items()}
        if loose & pair.keys():
            bodies = {name: without_nulls(body) for name, body in bodies.items()}
        yield from differences(bodies, "body")


def _decoded(reply: Reply) -> dict[str, Any]:
    try:
        decoded = reply.json()
    except ServerError as error:
        return {"body": str(error)}
    return decoded if isinstance(decoded, dict) else {"body": decoded}


def _first_texts(texts: Iterator[str]) -> Iterator[str]:
    yield from islice(texts, SHOWN_DIFFERENCES)
    if next(texts, None) is not None:
        yield "and more"
