"""Dumps of flow control: read, and summed up at moments that a client cannot keep step with."""

import itertools
import random
import socket
from collections.abc import Iterable

import pytest

from bench.report.text import to_lines
from bench.top.access import trip_s
from bench.top.document import to_json, top_document
from bench.top.dump import PATH, Asked, DumpError, InFlight, parse
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
OWN = Asked("admin", "get", PATH, "", "exempt")


def test_reads_what_executes_and_what_waits() -> None:
    own, listing, waiting = parse(DUMP.encode())
    assert (OWN, PATH) == (own.asked, own.path)
    assert Asked("CN=a,OU=b", "list", "deployments.apps", "all", "workload-low") == listing.asked
    assert 0.1 == pytest.approx((listing.started_s or 0) - listing.arrived_s, abs=1e-6)
    assert (10, None) == (listing.seats, waiting.started_s)
    assert (
        Asked("system:serviceaccount:a:b", "get", "pods/status", "object", "workload-low")
        == waiting.asked
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no dump of requests"),
        (b"<html>proxy</html>", "it begins '<html>proxy"),
        (DUMP.replace("StartTime", "Other").encode(), "not those that it executes"),
    ],
)
def test_says_what_is_no_dump(body: bytes, said: str) -> None:
    with pytest.raises(DumpError, match=said):
        parse(body)


def test_reads_names_with_commas_and_leaves_out_lines_that_are_broken() -> None:
    row = next(line for line in DUMP.splitlines() if "CN=a" in line)
    named = row.replace("a:b", "Doe, Jane").replace("CN=a,OU=b", "Doe, Jane")
    broken = row.replace("/apis/apps/v1/deployments", "/apis/\n, , 7")
    found = parse("\n".join([DUMP.splitlines()[0], broken, named]).encode())
    expected = Asked("Doe, Jane", "list", "deployments.apps", "all", "workload-low")
    assert [expected] == [one.asked for one in found]


def seen_at(moments: Iterable[float], period_s: float, takes_s: float) -> Row:
    """Return the row of a client that asks every ``period_s`` and is served for ``takes_s``."""
    samples = Samples()
    client = Asked("client", "list", "pods", "all", "workload-low")
    for now in moments:
        began = now // period_s * period_s
        own = InFlight(OWN, PATH, 1, now, now)
        busy = [InFlight(client, "/api/v1/pods", 1, began, began)] if now - began < takes_s else []
        samples.add([own, *busy], 0.001)
    (row,) = samples.rows()
    return row


@pytest.mark.parametrize(("period_s", "takes_s"), [(0.1, 0.06), (0.05, 0.002), (3.0, 0.5)])
def test_random_moments_see_the_mean_of_a_client_with_a_period(
    period_s: float, takes_s: float
) -> None:
    rng = random.Random(1)
    moments = itertools.accumulate(rng.expovariate(10) for _ in range(6000))
    row = seen_at(moments, period_s, takes_s)
    assert takes_s / period_s == pytest.approx(row.executing, abs=row.error)
    assert 1 / period_s == pytest.approx(row.rate_per_s, rel=0.25)


def test_equal_distances_see_a_client_with_a_period_in_one_phase() -> None:
    row = seen_at((0.02 + 0.05 * count for count in range(6000)), 0.1, 0.06)
    assert 0.5 == pytest.approx(row.executing)


def test_what_was_never_seen_has_a_bound() -> None:
    samples = Samples()
    for _ in range(300):
        samples.add([], 0.001)
    assert (0.01, []) == (samples.unseen, samples.rows())
    assert "Nothing was executing when it was looked at" == to_lines(top_document(samples, 1))[-1]


def test_waiting_requests_and_other_api_servers_are_told() -> None:
    samples = Samples()
    samples.add(parse(DUMP.encode()), 0.002)
    lines = to_lines(top_document(samples, 3))
    assert any("CN=a,OU=b" in line for line in lines)
    notes = [one.text for one in top_document(samples, 3).notes]
    assert notes[0].startswith("One of 3 API servers was asked")
    assert b'"waiting":1.0' in to_json(samples, 3)


def test_a_request_that_several_samples_show_is_one() -> None:
    samples = Samples()
    client = Asked("client", "list", "pods", "all", "workload-low")
    for moment, arrived_s in ((1.0, 0.9), (2.0, 0.9), (3.0, 2.5)):
        samples.add([InFlight(client, "/api/v1/pods", 1, arrived_s, arrived_s)], moment)
    (row,) = samples.rows()
    assert (1, 2, 1.96 * (2**2 + 1) ** 0.5 / 3) == (row.executing, row.requests, row.error)


def test_the_way_to_an_api_server_is_a_handshake_and_unknown_where_none_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert trip_s(ClientConfig(server)) > 0
        assert 0 == trip_s(ClientConfig(server, proxy="http://127.0.0.1:1"))
    assert 0 == trip_s(ClientConfig(server))
