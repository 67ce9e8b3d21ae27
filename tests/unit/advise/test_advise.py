"""Audit logs of known clients, in every format and in every bad shape."""

import datetime as dt
import gzip
import html
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from pyarrow import parquet
from rich.console import Console

from bench.advise.advise import advise, anonymous, default_unit_costs, sum_log, unit_costs
from bench.advise.counts import COMMAND, Counts, CountsError, read_counts
from bench.advise.document import advice_document, clients_csv
from bench.advise.prices import UnitCosts
from bench.advise.result import ADVISED, Advice, Client, Verdict, Why, read_advice, to_json
from bench.advise.sources import SourceError, find
from bench.analysis.summary_file import load_summary
from bench.microbench.audit_log import FORMATS, PLANTED, SELECTING, Event, planted
from bench.report.html import to_html
from bench.report.text import to_lines, to_markdown, to_terminal
from bench.stats import Estimate
from bench.store import Store

MINUTES_20 = 1200.0
NO_QUERY = {
    ("system:serviceaccount:ops:exporter", "configmaps"): "POLLS",
    ("system:serviceaccount:ops:crashing", "services"): "RELISTS",
}
NO_QUERY |= {
    (f"{SELECTING}{user.rpartition(':')[2]}", resource): verdict
    for (user, resource), verdict in NO_QUERY.items()
}
"""Verdicts that differ on GKE, whose entries name no query."""


@pytest.fixture(scope="session")
def events() -> list[Event]:
    return list(planted(MINUTES_20))


@pytest.fixture(scope="session")
def costs() -> UnitCosts:
    return unit_costs(load_summary(Store(Path("results")), str(default_unit_costs())))


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory, events: list[Event]) -> Path:
    return written(tmp_path_factory.mktemp("log") / "audit.log", FORMATS["kubernetes"](events))


@pytest.fixture(scope="session")
def priced(log: Path, costs: UnitCosts) -> Advice:
    return advice_of(log, costs=costs)


@pytest.fixture(scope="session")
def unpriced(log: Path) -> Advice:
    return advice_of(log)


def written(path: Path, pieces: Iterable[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(pieces))
    return path


def advice_of(*paths: Path, counts: Counts | None = None, costs: UnitCosts | None = None) -> Advice:
    sums, log = sum_log(find([str(path) for path in paths]), lambda: None)
    return advise(sums, log, counts or Counts(), costs, "" if costs else "no run")


def verdicts(advice: Advice) -> dict[tuple[str, str], str]:
    return {(row.user, row.resource): str(row.verdict) for row in advice.clients}


def client(advice: Advice, name: str) -> Client:
    (row,) = (row for row in advice.clients if row.user.endswith(name))
    return row


def line(user: str, verb: str, path: str, second: float, **other: Any) -> bytes:
    at = f"2026-03-01T06:{int(second) // 60:02d}:{int(second) % 60:02d}.000000Z"
    event = {
        "stage": "ResponseComplete",
        "requestURI": path,
        "verb": verb,
        "user": {"username": user},
        "sourceIPs": ["10.0.0.1"],
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at,
        "stageTimestamp": at,
    }
    return json.dumps(event | other).encode() + b"\n"


@pytest.mark.parametrize("format_", FORMATS)
def test_finds_every_planted_client_and_no_other(
    tmp_path: Path, events: list[Event], format_: str
) -> None:
    expected = PLANTED | (NO_QUERY if format_.startswith("gke") else {})
    path = written(tmp_path / "audit.log", FORMATS[format_](events))
    advice = advice_of(path)
    assert (expected, 0) == (verdicts(advice), advice.log.unknown)


def test_reads_a_compressed_log(tmp_path: Path, log: Path) -> None:
    packed = written(tmp_path / "audit.log.gz", [gzip.compress(log.read_bytes())])
    assert PLANTED == verdicts(advice_of(packed))


def test_reads_standard_input(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(log.open("rb", 0))))
    assert PLANTED == verdicts(advice_of(Path("-")))


def test_takes_kube_apiservers_logs_out_of_a_must_gather(tmp_path: Path, log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    logs = tmp_path / "must-gather" / "quay" / "audit_logs"
    half = len(lines) // 2
    for node, part in (("master-0", lines[:half]), ("master-1", lines[half:])):
        name = f"{node}-audit.log.gz"
        written(logs / "kube-apiserver" / name, [gzip.compress(b"".join(part))])
    written(logs / "openshift-apiserver" / "master-0-audit.log.gz", [gzip.compress(lines[0])])
    written(tmp_path / "must-gather" / "pods.log", [b"no audit log\n"])
    advice = advice_of(tmp_path / "must-gather")
    assert (PLANTED, len(lines), 0) == (
        verdicts(advice),
        sum(advice.log.records.values()),
        advice.log.unknown,
    )


def test_reads_the_logs_of_several_api_servers_as_one(tmp_path: Path, events: list[Event]) -> None:
    halves = [
        written(tmp_path / f"{number}.log", FORMATS["kubernetes"](events[number::2]))
        for number in range(2)
    ]
    assert PLANTED == verdicts(advice_of(*halves))


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([], r"audit\.log: empty: there is no record in it"),
        ([b"x" * (17 << 20)], "each of its 1 lines is longer than 16 MB"),
        ([gzip.compress(b"{}" * 99)[:12]], "cut short before its first record: .*audit"),
        ([b"\x7fELF\x02\x01\x00\n"] * 50, r"none of 50 records .* the first begins: '\\x7fELF"),
    ],
)
def test_refuses_what_is_no_log_and_shows_its_beginning(
    tmp_path: Path, pieces: list[bytes], error: str
) -> None:
    with pytest.raises(SourceError, match=error):
        advice_of(written(tmp_path / "audit.log", pieces))


def test_names_what_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"there is no gone\.log"):
        find(["gone.log"])


def test_reads_a_compressed_log_as_far_as_it_goes(tmp_path: Path, log: Path) -> None:
    packed = gzip.compress(log.read_bytes())
    path = written(tmp_path / "audit.log.gz", [packed[: len(packed) // 2]])
    advice = advice_of(path)
    assert advice.log.requests > 0
    assert [f"{path} (Compressed file ended before the end-of-stream marker was reached)"] == list(
        advice.log.cut_short
    )


def test_counts_half_a_line_and_lines_of_other_things(tmp_path: Path) -> None:
    whole = line("a", "list", "/api/v1/pods", 1)
    path = written(tmp_path / "audit.log", [b"I0301 klog line\n", whole, b"{}\n", whole[:80]])
    log = advice_of(path).log
    assert (1, 3, "'I0301 klog line'") == (log.requests, log.unknown, log.unknown_example)


@pytest.mark.parametrize("between", [b",", b",\n", b" , "])
def test_reads_an_array_whose_brackets_have_no_lines_of_their_own(
    tmp_path: Path, events: list[Event], between: bytes
) -> None:
    records = [piece.strip() for piece in FORMATS["kubernetes"](events)]
    advice = advice_of(written(tmp_path / "a.json", [b"[", between.join(records), b"]\n"]))
    assert (len(events), 0) == (sum(advice.log.records.values()), advice.log.unknown)
    assert PLANTED == verdicts(advice)


BODY = {"items": [{"volumes": [{"configMap": {"items": [{"key": "a", "path": "b"}]}}]}]}


@pytest.mark.parametrize("google", [False, True])
def test_reads_pretty_printed_records_with_lists_in_their_bodies(
    tmp_path: Path, google: bool
) -> None:
    lines = (line("a", "list", "/api/v1/pods", at, userAgent="b") for at in range(9))
    records = [json.loads(text) for text in lines]
    if google:
        (packed,) = FORMATS["gke-gcloud"](records)
        entries = json.loads(packed)
        for entry in entries:
            entry["protoPayload"]["response"] = BODY
        text = json.dumps(entries, indent=2)
    else:
        text = "\n".join(json.dumps(row | {"responseObject": BODY}, indent=2) for row in records)
    advice = advice_of(written(tmp_path / "audit.json", [text.encode()]))
    assert (9, 0) == (client(advice, "a").lists, advice.log.unknown)


@pytest.mark.parametrize(
    "nulls",
    [
        {"sourceIPs": None, "userAgent": None, "objectRef": None, "responseStatus": None},
        {"objectRef": {"resource": "pods", "name": None}, "annotations": None},
        {"requestReceivedTimestamp": None, "items": None, "message": None},
    ],
)
def test_null_is_as_good_as_nothing(tmp_path: Path, nulls: dict[str, Any]) -> None:
    lines = [line("a", "list", "/api/v1/pods", at, **nulls) for at in range(9)]
    (packed,) = FORMATS["eks-api"](map(json.loads, lines))
    for path in (written(tmp_path / "a.log", lines), written(tmp_path / "b.json", [packed])):
        advice = advice_of(path)
        assert (9, 0) == (client(advice, "a").lists, advice.log.unknown)


def test_reads_formats_that_are_mixed(tmp_path: Path, events: list[Event]) -> None:
    names = ("kubernetes", "webhook", "aks-text", "eks-api", "gke-gcloud")
    pieces = (
        b"".join(FORMATS[name](events[index :: len(names)])) + b"\n"
        for index, name in enumerate(names)
    )
    log = advice_of(written(tmp_path / "audit.log", pieces)).log
    assert (len(events), 0) == (
        sum(log.records.values()) - log.records["EventList"] + len(events[1::5]),
        log.unknown,
    )


def test_reads_lines_of_a_megabyte_and_leaves_out_longer_ones(tmp_path: Path) -> None:
    body = {"responseObject": {"data": "x" * (1 << 20)}}
    huge = line("a", "list", "/api/v1/pods", 2, responseObject="x" * (17 << 20))
    path = written(
        tmp_path / "audit.log",
        [
            line("a", "list", "/api/v1/pods", 1, **body),
            huge,
            line("a", "list", "/api/v1/pods", 3),
        ],
    )
    log = advice_of(path).log
    assert (2, 0, 1) == (log.requests, log.unknown, log.too_long)


@pytest.mark.parametrize(
    ("format_", "text", "kind"),
    [
        ("aks-text", ('"kube-audit"', '"kube-audit-admin"'), "kube-audit-admin"),
        ("gke", ("data_access", "activity"), "activity"),
        ("kubernetes", ("", ""), "verbs"),
    ],
)
def test_tells_a_log_that_drops_reads(
    tmp_path: Path, events: list[Event], format_: str, text: tuple[str, str], kind: str
) -> None:
    writes = [event for event in events if event["verb"] not in ("get", "list", "watch")]
    path = written(
        tmp_path / "audit.log",
        (piece.replace(*(part.encode() for part in text)) for piece in FORMATS[format_](writes)),
    )
    advice = advice_of(path)
    assert kind == advice.log.drops_reads
    assert "so it does not show who polls" in advice_document(advice).headline.text


def test_a_log_of_watches_and_writes_drops_reads(tmp_path: Path, events: list[Event]) -> None:
    writes = [event for event in events if event["verb"] not in ("get", "list")]
    advice = advice_of(written(tmp_path / "audit.log", FORMATS["kubernetes"](writes)))
    assert "verbs" == advice.log.drops_reads
    assert "holds no get and no list" in advice_document(advice).headline.text


def test_names_what_is_written_and_read_by_no_line(tmp_path: Path) -> None:
    lines = [line("a", "get", "/api/v1/namespaces/a/secrets/b", at) for at in range(9)]
    lines += [
        line("b", "create", path, 9)
        for path in (
            "/api/v1/namespaces/a/pods/b/binding",
            "/apis/gadgets.example/v1/gadgets",
            "/api/v1/namespaces/a/secrets",
            "/api/v1/namespaces/a/events",
            "/apis/authentication.k8s.io/v1/tokenreviews",
        )
    ]
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert ("gadgets.gadgets.example", "pods") == advice.log.unread
    costs = "".join(cost.text for cost in advice_document(advice).costs)
    assert "No line reads gadgets.gadgets.example, pods, which others" in costs
    assert "gadgets" not in to_json(anonymous(advice, "key")).decode()


@pytest.mark.parametrize(("watched", "shown"), [(False, True), (True, False)])
def test_says_of_a_long_log_that_no_line_is_of_a_watch(
    tmp_path: Path, watched: bool, shown: bool
) -> None:
    lines = [line("a", "list", "/api/v1/pods", at) for at in range(0, 1200, 10)]
    lines += [line("b", "watch", "/api/v1/nodes", 600)] * watched
    document = advice_document(advice_of(written(tmp_path / "audit.log", lines)))
    assert shown is any("In 20 min, no line is of a watch" in cost.text for cost in document.costs)


def test_states_no_rates_where_no_line_has_a_time(tmp_path: Path, costs: UnitCosts) -> None:
    times = dict.fromkeys(("requestReceivedTimestamp", "stageTimestamp"), "yesterday")
    lines = [
        line("a", "list", "/api/v1/pods", 0, sourceIPs=[f"10.0.0.{at}"], **times)
        for at in range(50)
        for _ in range(9)
    ]
    advice = advice_of(written(tmp_path / "audit.log", lines), costs=costs)
    row = client(advice, "a")
    assert (Verdict.CANNOT_SAY, Why.UNTIMED) == (row.verdict, row.why)
    document = advice_document(advice)
    assert "No line of this log has a readable time" in document.headline.text
    assert " 0/s" not in to_markdown(document)


def test_does_not_claim_of_a_short_log_that_a_poller_holds_no_watch(tmp_path: Path) -> None:
    path = written(tmp_path / "a.log", FORMATS["kubernetes"](planted(300.0)))
    costs = [cost.text for cost in advice_document(advice_of(path)).costs]
    assert any("Clients that poll may also watch" in cost for cost in costs)


def test_rates_are_over_the_time_that_lines_cover(tmp_path: Path) -> None:
    lines = [line("a", "list", "/api/v1/pods", second) for second in range(0, 600, 10)]
    lines += [row.replace(b"2026-", b"2029-") for row in lines]  # a clock jumped by three years
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert (590 + 60 + 590 + 1, 0.1) == (
        advice.log.covered_s,
        round(client(advice, "a").per_s, 2),
    )
    assert any("a clock jumped" in cost.text for cost in advice_document(advice).costs)


def test_a_watch_that_was_asked_for_before_the_log_begins_adds_nothing_to_its_time(
    tmp_path: Path,
) -> None:
    before = "2026-03-01T05:30:00.000000Z"
    lines = [line("a", "list", "/api/v1/pods", second) for second in range(0, 60, 10)]
    lines += [line("b", "watch", "/api/v1/pods", 50, requestReceivedTimestamp=before)]
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert (51, 6 / 51) == (advice.log.covered_s, client(advice, "a").per_s)


def test_takes_tens_of_thousands_of_users(tmp_path: Path) -> None:
    lines = (line(f"user-{number}", "get", "/api/v1/nodes/a", 1) for number in range(20_000))
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert (20_000, {Verdict.CANNOT_SAY}) == (
        len(advice.clients),
        {row.verdict for row in advice.clients},
    )
    assert len(to_markdown(advice_document(advice)).splitlines()) < 300


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([line("a", "list", "/api/v1/pods", at) for at in range(4)], Why.FEW),
        (
            [line("a", "list", "/api/v1/pods", at, sourceIPs=[f"10.0.0.{at}"]) for at in range(50)],
            Why.SHORT_LIVED,
        ),
        (
            [
                line("a", "list", "/api/v1/pods", at, responseStatus={"code": 403})
                for at in range(50)
            ],
            Why.REFUSED,
        ),
        (
            [
                line("a", verb, "/api/v1/namespaces/a/configmaps/lock", at)
                for at in range(50)
                for verb in ("get", "update")
            ],
            Why.WRITES,
        ),
        (
            [
                line("a", verb, f"/api/v1/nodes/a{status}", at)
                for at in range(50)
                for verb, status in (("get", ""), ("patch", "/status"))
            ],
            Why.WRITES,
        ),
        ([line("a", "get", f"/api/v1/nodes/{at}", at) for at in range(50)], Why.ONCE),
    ],
)
def test_says_why_it_cannot_say(tmp_path: Path, lines: list[bytes], why: Why) -> None:
    row = client(advice_of(written(tmp_path / "audit.log", lines)), "a")
    assert (Verdict.CANNOT_SAY, why) == (row.verdict, row.why)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("list", "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods?labelSelector=b"),
        ("list", "/apis/external.metrics.k8s.io/v1beta1/namespaces/a/queue"),
        ("list", "/api/v1/componentstatuses"),
        ("get", "/apis/image.openshift.io/v1/namespaces/a/imagestreamtags/b:c"),
    ],
)
def test_advises_no_informer_for_an_api_without_watch(
    tmp_path: Path, costs: UnitCosts, verb: str, path: str
) -> None:
    lines = [
        line(*request, at)
        for at in range(0, 900, 15)
        for request in (("a", verb, path), ("b", "list", "/api/v1/pods"))
    ]
    advice = advice_of(written(tmp_path / "audit.log", lines), costs=costs)
    row = client(advice, "a")
    assert (Verdict.CANNOT_SAY, Why.NO_WATCH) == (row.verdict, row.why)
    assert (None, 1.0) == (row.share, client(advice, "b").share)


def test_an_informer_that_streams_its_lists_is_no_poller(tmp_path: Path) -> None:
    stream = "/api/v1/pods?sendInitialEvents=true&watch=true"
    watch = "/api/v1/pods?resourceVersion=12&watch=true"
    ends = range(300, 3000, 300)
    lines = [line("a", "watch", stream, 1), *(line("a", "watch", watch, at) for at in ends)]
    row = client(advice_of(written(tmp_path / "audit.log", lines)), "a")
    assert (Verdict.WATCHES, 1, 10) == (row.verdict, row.lists, row.watches)


@pytest.mark.parametrize(
    ("period_s", "verdict"), [(1, "REWATCHES"), (29, "REWATCHES"), (60, "WATCHES")]
)
def test_watches_that_are_cut_short_are_no_healthy_informer(
    tmp_path: Path, costs: UnitCosts, period_s: int, verdict: str
) -> None:
    path = "/api/v1/pods?labelSelector=a&watch=1&timeoutSeconds={}"
    lines = [line("a", "list", "/api/v1/pods?labelSelector=a&resourceVersion=0", 0)]
    lines += [
        line("a", "watch", path.format(300 + at), at, sourceIPs=[f"10.0.0.{replica}"])
        for at in range(0, 1200, period_s)
        for replica in range(2)
    ]
    advice = advice_of(written(tmp_path / "audit.log", lines), costs=costs)
    assert {("a", "pods"): verdict} == verdicts(advice)
    opened = f"a opened {2 * len(range(0, 1200, period_s)):,} watches of all pods"
    gains = [gain.text for gain in advice_document(advice).gains]
    assert (verdict == "REWATCHES") is any(gain.startswith(opened) for gain in gains)


@pytest.mark.parametrize(
    ("verb", "path", "verdict"),
    [("get", "/namespaces/a/leases/b", "LEASES"), ("list", "/leases", "POLLS")],
)
def test_only_a_lease_by_its_name_must_be_fresh(
    tmp_path: Path, verb: str, path: str, verdict: str
) -> None:
    path = f"/apis/coordination.k8s.io/v1{path}"
    lines = [line("a", verb, path, at) for at in range(60)]
    row = client(advice_of(written(tmp_path / "audit.log", lines)), "a")
    assert verdict == row.verdict


@pytest.mark.parametrize(
    ("requests", "verdict"),
    [
        ([("list", "{}&resourceVersion={at}")], "POLLS"),
        ([("list", "{}&limit=500"), ("list", "limit=500&{}&continue=c{at}")], "PAGES"),
        ([("watch", "{}&sendInitialEvents=true&timeoutSeconds={at}&watch=true")], "RELISTS"),
        ([("list", "{}&resourceVersion=0"), ("watch", "timeoutSeconds={at}&{}")], "RESTARTS"),
    ],
)
@pytest.mark.parametrize("selector", ["labelSelector=a%3Db", "labelSelector="])
def test_what_changes_with_each_request_is_no_part_of_a_selector(
    tmp_path: Path, requests: list[tuple[str, str]], verdict: str, selector: str
) -> None:
    lines = [
        line("a", verb, f"/api/v1/pods?{query.format(selector, at=300 + at)}", at)
        for at in range(0, 600, 30)
        for verb, query in requests
    ]
    row = client(advice_of(written(tmp_path / "audit.log", lines)), "a")
    selected = not selector.endswith("=")
    assert (verdict, 1, selected) == (row.verdict, row.targets, row.selected)


def test_selectors_are_the_same_in_any_order(tmp_path: Path) -> None:
    both = ("fieldSelector=spec.nodeName%3Dn", "labelSelector=app%3Db")
    lines = [
        line("a", "list", f"/api/v1/pods?{'&'.join(both[:: (-1) ** at])}&limit=500", at)
        for at in range(20)
    ]
    row = client(advice_of(written(tmp_path / "audit.log", lines)), "a")
    assert (Verdict.POLLS, 1, True) == (row.verdict, row.targets, row.selected)


@pytest.mark.parametrize(("discovers", "verdict"), [(False, "RELISTS"), (True, "RESTARTS")])
def test_tells_a_process_that_restarts_by_its_discovery(
    tmp_path: Path, discovers: bool, verdict: str
) -> None:
    stream = "/api/v1/pods?sendInitialEvents=true&watch=true"
    lines = [
        line("a", verb, path, at)
        for at in range(0, 600, 30)
        for verb, path in (("watch", stream), *[("get", "/apis")] * discovers)
    ]
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert {("a", "pods"): verdict} == verdicts(advice)


def test_control_characters_of_a_client_reach_no_terminal(tmp_path: Path) -> None:
    path = "/api/v1/po\x07ds"
    lines = [line("a\x1b[2J", "list", path, at, userAgent="b\x9b/1") for at in range(9)]
    document = advice_document(advice_of(written(tmp_path / "audit.log", lines)))
    console = Console(width=200, file=io.StringIO())
    console.print(to_terminal(document))
    shown = cast("io.StringIO", console.file).getvalue()
    for text in (shown, to_markdown(document), "\n".join(to_lines(document))):
        assert set() == {char for char in text if not char.isprintable()} - {"\n", "\u200b"}
    assert "a?[2J (b?)" in shown


def test_nodes_are_one_client(tmp_path: Path) -> None:
    path = "/api/v1/pods?fieldSelector=spec.nodeName%3D{}"
    lines = [
        line(
            f"system:node:node-{node}", "list", path.format(node), at, sourceIPs=[f"10.0.0.{node}"]
        )
        for at in range(0, 100, 10)
        for node in range(3)
    ]
    row = client(advice_of(written(tmp_path / "audit.log", lines)), "system:node:*")
    assert (30, 3, 3, Verdict.POLLS) == (row.lists, row.targets, row.addresses, row.verdict)


def test_a_price_grows_with_objects_and_with_the_rate(log: Path, costs: UnitCosts) -> None:
    few, many = (
        client(advice_of(log, counts=Counts({"pods": pods}), costs=costs), "web:dashboard")
        for pods in (1000.0, 3000.0)
    )
    assert few.cpu is not None
    assert many.cpu is not None
    # of what a list costs a part is the request itself, whatever it returns
    assert 2 < many.cpu.now.value / few.cpu.now.value < 3
    assert few.bytes is not None
    assert 0.1 * 1000 * costs.pod_bytes == pytest.approx(few.bytes.now.value, rel=0.01)


def test_an_informer_costs_events_and_starts(log: Path, costs: UnitCosts) -> None:
    poller = client(advice_of(log, counts=Counts({"pods": 1000.0}), costs=costs), "web:dashboard")
    assert poller.bytes is not None
    event = next(unit for unit in costs.models["api_bytes"].units if unit.per == "write")
    start = 1000 * costs.pod_bytes / 3600
    assert poller.events_per_s * event.estimate.value + start == pytest.approx(
        poller.bytes.instead.value
    )
    assert 2.0 == pytest.approx(poller.events_per_s, rel=0.01)
    assert poller.break_even_per_s is not None
    assert poller.break_even_per_s < poller.per_s


@pytest.mark.parametrize(("namespaces", "writes"), [(1, 30), (2, 60), (3, 90), (4, 90)])
def test_an_informer_costs_the_events_of_each_namespace_that_its_client_lists(
    tmp_path: Path, namespaces: int, writes: int
) -> None:
    pods = "/api/v1/namespaces/{}/pods"
    lines = [line("b", "patch", f"{pods.format(at % 3)}/c", at) for at in range(90)]
    lines += [
        line("a", "list", pods.format(namespace), at)
        for at in range(0, 90, 10)
        for namespace in range(namespaces)
    ]
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert writes == pytest.approx(client(advice, "a").events_per_s * advice.log.covered_s)


@pytest.mark.parametrize(
    ("verb", "subresource", "events"),
    [
        *(("create", name, 0) for name in ("exec", "attach", "portforward", "token")),
        ("update", "proxy/metrics", 0),
        *(("create", name, 1) for name in ("binding", "eviction")),
        ("patch", "status", 1),
    ],
)
def test_a_write_to_a_subresource_is_an_event_if_it_changes_the_object(
    tmp_path: Path, verb: str, subresource: str, events: int
) -> None:
    lines = [line("a", "list", "/api/v1/pods", at) for at in range(0, 90, 10)]
    lines.append(line("b", verb, f"/api/v1/namespaces/c/pods/d/{subresource}", 5))
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert events == pytest.approx(client(advice, "a").events_per_s * advice.log.covered_s)


def test_shares_of_all_priced_reads_are_one(priced: Advice) -> None:
    assert 1 == pytest.approx(sum(row.share or 0 for row in priced.clients))


def test_objects_are_counted_by_pages_without_a_file_of_counts(priced: Advice) -> None:
    pager = client(priced, "ops:exporter")
    assert (4 * 500 - 250, "pages") == (pager.objects, pager.objects_from)


@pytest.mark.parametrize("user", ["a", "b"])
@pytest.mark.parametrize("whole", ["limit=500&resourceVersion=0", "resourceVersion=7", ""])
def test_lists_that_are_answered_whole_count_no_objects_by_pages(
    tmp_path: Path, user: str, whole: str
) -> None:
    pages = ("limit=500", "limit=500&continue=x", "limit=500&continue=y")
    requests = [("a", query) for query in pages] + [(user, whole)] * 9
    lines = (line(name, "list", f"/api/v1/pods?{query}", 1) for name, query in requests)
    sums, _ = sum_log(find([str(written(tmp_path / "audit.log", lines))]), lambda: None)
    assert {"pods": 1500 - 500 / 2} == sums.paged


def test_events_have_no_watch_cache_and_are_paged_at_any_version(tmp_path: Path) -> None:
    queries = ("limit=500&resourceVersion=0", "limit=500&continue=x", "limit=500&continue=y")
    lines = (line("a", "list", f"/api/v1/events?{query}", 1) for query in queries)
    sums, _ = sum_log(find([str(written(tmp_path / "audit.log", lines))]), lambda: None)
    assert {"events": 1500 - 500 / 2} == sums.paged


def test_counts_are_read_from_metrics_and_from_plain_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path / "counts.txt",
        [
            b'apiserver_resource_objects{group="",resource="pods"} 1200\n',
            b'apiserver_resource_size_estimate_bytes{group="",resource="pods"} 4800000\n',
            b'apiserver_storage_objects{resource="jobs.batch"} 7\n',
            b"deployments.apps 80 3000\n",
        ],
    )
    counts = read_counts(path)
    assert {"pods": 1200.0, "jobs.batch": 7.0, "deployments.apps": 80.0} == counts.objects
    assert {"pods": 4000 * 1.46, "deployments.apps": 3000.0} == pytest.approx(counts.bytes_each)


def test_a_file_without_counts_says_what_a_line_looks_like(tmp_path: Path) -> None:
    with pytest.raises(CountsError, match="a line is `pods 1200`"):
        read_counts(written(tmp_path / "counts.txt", [b"nothing here\n"]))


@pytest.mark.parametrize("value", [b"many", b"+Inf"])
def test_a_count_that_is_no_number_is_named_with_its_line(tmp_path: Path, value: bytes) -> None:
    text = b'pods 12\napiserver_resource_objects{resource="pods"} ' + value
    with pytest.raises(CountsError, match=r"counts\.txt:2: '.*' is not a number"):
        read_counts(written(tmp_path / "counts.txt", [text]))


def test_the_command_that_counts_objects_can_be_copied(priced: Advice) -> None:
    document = advice_document(priced)
    assert f"\n  ```sh\n  {COMMAND}\n  ```\n" in to_markdown(document)
    assert f"<code>{html.escape(COMMAND, quote=False)}" in to_html(document).replace("&#39;", "'")


def test_every_form_shows_that_a_saving_may_be_nothing(priced: Advice) -> None:
    poller = client(priced, "web:dashboard")
    assert poller.cpu is not None
    unsure = msgspec.structs.replace(poller.cpu, saved=Estimate(0.0, -3.0, 2.0))
    clients = (msgspec.structs.replace(poller, cpu=unsure),)
    document = advice_document(msgspec.structs.replace(priced, clients=clients))
    assert any("saved 0 to 100%" in text for text in to_lines(document))
    console = Console(width=200, file=io.StringIO())
    console.print(to_terminal(document))
    shown = cast("io.StringIO", console.file).getvalue()
    assert (1, 1) == (shown.count("0 to 100%"), to_markdown(document).count("0 to 100%"))


def test_an_assumed_count_of_objects_is_named_and_no_bytes_are_stated(
    tmp_path: Path, costs: UnitCosts
) -> None:
    lines = [line("a", "list", "/api/v1/pods", at) for at in range(0, 900, 10)]
    path = written(tmp_path / "audit.log", lines)
    documents = [
        advice_document(advice_of(path, counts=counts, costs=costs))
        for counts in (None, Counts({"pods": 100.0}))
    ]
    shown = ["are assumed (100)" in str(document.costs) for document in documents]
    assert [True, False] == shown
    assumed, counted = (document.gains[0].detail for document in documents)
    assert (False, True) == (" a day" in assumed, " a day" in counted)
    assert assumed.rstrip(".") == counted.partition(", and")[0]


def test_forms_say_the_same_three_clients_first(priced: Advice) -> None:
    document = advice_document(priced)
    assert 3 == len(document.gains)
    page, markdown = to_html(document), to_markdown(document)
    for gain in document.gains:
        assert re.split("[({]", gain.text)[0].strip() in page
        assert re.split("[({]", gain.text)[0].strip() in markdown
    assert len(priced.clients) + 1 == len(clients_csv(priced).splitlines())


def test_nothing_of_objects_and_addresses_is_kept(priced: Advice) -> None:
    text = to_json(priced).decode() + to_html(advice_document(priced))
    assert [] == [name for name in ("build", "cart-1", "10.0.0.7", "node-1") if name in text]


def test_anonymous_advice_names_no_client_of_the_clusters_own(log: Path, unpriced: Advice) -> None:
    coded = anonymous(unpriced, "key")
    text = to_json(coded).decode()
    assert [] == [name for name in ("dashboard", "jane", "manager", ":ops:") if name in text]
    assert coded == anonymous(advice_of(log), "key")
    assert coded != anonymous(unpriced, "other")
    assert sorted(PLANTED.values()) == sorted(str(row.verdict) for row in coded.clients)


@pytest.mark.parametrize(
    ("user", "kept"),
    [
        ("system:kube-scheduler", True),
        ("system:node:a", True),
        ("system:bootstrap:abcdef", False),
        ("system:openshift:shop", False),
    ],
)
def test_anonymous_advice_keeps_the_names_of_known_components_alone(
    tmp_path: Path, user: str, kept: bool
) -> None:
    lines = [line(user, "list", "/api/v1/pods", at) for at in range(9)]
    advice = anonymous(advice_of(written(tmp_path / "audit.log", lines)), "key")
    assert kept is advice.clients[0].user.startswith("system:")


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (
            "008-steady-direct-r1",
            {
                ("bystander", "configmaps", "object"): "GET-POLLS",
                ("direct", "pods", "all"): "POLLS",
                ("direct", "pods", "object"): "GET-POLLS",
            },
        ),
        ("007-steady-informer-r1", {("bystander", "configmaps", "object"): "GET-POLLS"}),
    ],
)
def test_a_run_of_this_project_shows_what_its_arms_do(
    tmp_path: Path, trial: str, expected: dict[tuple[str, str, str], str]
) -> None:
    rows = parquet.read_table(Path("results") / "reference" / "trials" / trial / "audit.parquet")
    lines = (
        line(
            row["user"],
            row["verb"],
            row["uri"],
            0,
            requestReceivedTimestamp=f"{stamp(row['received_us'])}",
            stageTimestamp=f"{stamp(row['at_us'])}",
            stage=row["stage"],
        )
        for row in rows.to_pylist()
    )
    advice = advice_of(written(tmp_path / "audit.log", lines))
    assert expected == {
        (row.user.rpartition(":")[2], row.resource, row.scope): str(row.verdict)
        for row in advice.clients
        if row.verdict in ADVISED
    }


def stamp(microseconds: int) -> str:
    at = dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_advice_is_read_again_as_it_was_written(tmp_path: Path, unpriced: Advice) -> None:
    assert unpriced == read_advice(written(tmp_path / "advice.json", [to_json(unpriced)]))
