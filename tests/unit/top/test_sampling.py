"""Dumps of flow control: read, and summed up at random moments."""

import itertools
import random
import socket
from collections.abc import Iterable

import pytest

from bench.report.text import to_lines
from bench.top.access import trip_s
from bench.top.document import to_json, top_document
from bench.top.dump import PATH, DumpError, InFlight, RequestKind, parse
from bench.top.sampling import Row, Samples
from kube_informer import ClientConfig

NEVER = "0001-01-01T00:00:00Z"
AT = "2026-11-29T09:58:00.{}Z"
HEAD = [
    "PriorityLevelName",
    "FlowSchemaName",
    "QueueIndex",
    "RequestIndexInQueue",
    "FlowDistingsher",
    "ArriveTime",
    "InitialSeats",
    "FinalSeats",
    "AdditionalLatency",
    "StartTime",
    "UserName",
    "Verb",
    "APIPath",
    "Namespace",
    "Name",
    "APIVersion",
    "Resource",
    "SubResource",
]
EXEMPT = ["exempt", "exempt", "-1", "-1", "", AT.format(5), "1", "0", "0s", AT.format(500000001)]
QUEUED = ["workload-low", "service-accounts", "47"]
ROWS = (
    HEAD,
    [*EXEMPT, "admin", "get", PATH, "", "", "v1", "", ""],
    [
        *(*QUEUED, "-1", "a:b", AT.format(123456789), "10", "0", "0s", AT.format(223456789)),
        *("CN=a,OU=b", "list", "/apis/apps/v1/deployments", "", "", "apps/v1", "deployments", ""),
    ],
    [
        *(*QUEUED, "0", "a:b", AT.format(4), "1", "0", "0s", NEVER, "system:serviceaccount:a:b"),
        *("get", "/api/v1/namespaces/x/pods/y/status", "x", "y", "v1", "pods", "status"),
    ],
)
DUMP = "\n".join(",   ".join(row) for row in ROWS)
OF_DUMP = RequestKind("admin", "get", PATH, "", "exempt")
CLIENT = RequestKind("client", "list", "pods", "all", "workload-low")


def test_reads_executing_and_waiting_requests() -> None:
    dump, listing, waiting = parse(DUMP.encode())
    listed = RequestKind("CN=a,OU=b", "list", "deployments.apps", "all", "workload-low")
    assert (OF_DUMP, PATH) == (dump.asked, dump.path)
    assert listed == listing.asked
    assert 0.1 == pytest.approx((listing.started_s or 0) - listing.arrived_s, abs=1e-6)
    assert (10, None) == (listing.seats, waiting.started_s)
    user = "system:serviceaccount:a:b"
    assert RequestKind(user, "get", "pods/status", "object", "workload-low") == waiting.asked


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no dump of requests"),
        (b"<html>proxy</html>", "it begins '<html>proxy"),
        (DUMP.replace("StartTime", "Other").encode(), "not those that it executes"),
    ],
)
def test_an_unreadable_dump_is_refused_with_the_reason(body: bytes, message: str) -> None:
    with pytest.raises(DumpError, match=message):
        parse(body)


def test_reads_names_with_commas_and_omits_broken_lines() -> None:
    row = next(line for line in DUMP.splitlines() if "CN=a" in line)
    named = row.replace("a:b", "Doe, Jane").replace("CN=a,OU=b", "Doe, Jane")
    broken = row.replace("/apis/apps/v1/deployments", "/apis/\n, , 7")
    requests = parse("\n".join([DUMP.splitlines()[0], broken, named]).encode())
    expected = RequestKind("Doe, Jane", "list", "deployments.apps", "all", "workload-low")
    assert [expected] == [request.asked for request in requests]


def sampled_at(moments: Iterable[float], period_s: float, takes_s: float) -> Row:
    """Return the row of a client that asks every ``period_s`` and is served for ``takes_s``."""
    samples = Samples()
    for now in moments:
        began = now // period_s * period_s
        dump = InFlight(OF_DUMP, PATH, 1, now, now)
        busy = [InFlight(CLIENT, "/api/v1/pods", 1, began, began)] if now - began < takes_s else []
        samples.add([dump, *busy], 0.001)
    (row,) = samples.rows()
    return row


@pytest.mark.parametrize(("period_s", "takes_s"), [(0.1, 0.06), (0.05, 0.002), (3.0, 0.5)])
def test_random_moments_see_the_mean_of_a_periodic_client(period_s: float, takes_s: float) -> None:
    rng = random.Random(1)
    moments = itertools.accumulate(rng.expovariate(10) for _ in range(6000))
    row = sampled_at(moments, period_s, takes_s)
    assert takes_s / period_s == pytest.approx(row.executing, abs=row.error)
    assert 1 / period_s == pytest.approx(row.rate_per_s, rel=0.25)


def test_equal_intervals_see_a_periodic_client_in_one_phase() -> None:
    row = sampled_at((0.02 + 0.05 * count for count in range(6000)), 0.1, 0.06)
    assert 0.5 == pytest.approx(row.executing)


def test_an_unseen_client_has_a_bound() -> None:
    samples = Samples()
    for _ in range(300):
        samples.add([], 0.001)
    assert (0.01, []) == (samples.unseen, samples.rows())
    assert "Nothing was executing in any sample" == to_lines(top_document(samples, 1))[-1]


def test_waiting_requests_and_other_api_servers_are_reported() -> None:
    samples = Samples()
    samples.add(parse(DUMP.encode()), 0.002)
    lines = to_lines(top_document(samples, 3))
    assert any("CN=a,OU=b" in line for line in lines)
    notes = [note.text for note in top_document(samples, 3).notes]
    assert notes[0].startswith("One of 3 API servers was asked")
    assert b'"waiting":1.0' in to_json(samples, 3)


def test_a_request_in_several_samples_counts_once() -> None:
    samples = Samples()
    for moment, arrived_s in ((1.0, 0.9), (2.0, 0.9), (3.0, 2.5)):
        samples.add([InFlight(CLIENT, "/api/v1/pods", 1, arrived_s, arrived_s)], moment)
    (row,) = samples.rows()
    assert (1, 2, 1.96 * (2**2 + 1) ** 0.5 / 3) == (row.executing, row.requests, row.error)


def test_the_round_trip_is_a_handshake_and_unknown_if_no_server_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert trip_s(ClientConfig(server)) > 0
        assert 0 == trip_s(ClientConfig(server, proxy="http://127.0.0.1:1"))
    assert 0 == trip_s(ClientConfig(server))
