"""The analysis recovers injected effects at their true size, inside their intervals."""

import json
from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.analysis.comparisons import Side, compare
from bench.analysis.frame import frame_of
from bench.metrics import Times
from bench.model import NO_SERVER
from bench.store import Store
from tests.unit.analysis.synthetic import ARMS, SCENARIO, Arm, write_run

CLOSED = replace(SCENARIO, name="capacity", rate_rps=None, users=1)
QUICK = Arm(1.0, 2.0, 300.0)
BOTH = {"servers": ("direct", "informer", NO_SERVER), "rounds": 6}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def plain(made):
    """A run of both servers and the floor, as in ``ARMS``, with a control."""
    return made(control="direct", **BOTH)


def arm(analysis, server):
    return analysis.scenarios[0].arm(server)


def test_five_milliseconds_that_were_added_are_found_as_five(made):
    arms = {"direct": QUICK, "informer": replace(QUICK, added_ms=5.0)}
    analysis = made(arms=arms, **BOTH)[1]
    for key in ("p50", "service_p50"):
        difference = analysis.scenarios[0].comparison(key, "direct").difference
        assert difference.value == pytest.approx(5.0, abs=0.2)
        assert difference.holds(5.0)


def test_a_server_that_asks_three_times_a_read_is_found_at_three_by_all_ledgers(made):
    arms = {"direct": replace(QUICK, upstream_per_read=3.0)}
    data, analysis = made(arms=arms, **BOTH)
    direct = arm(analysis, "direct")
    assert 3_000.0 == pytest.approx(direct.figure("api_requests", per_1000=True).value)
    for trial in data.of_arm("list", "direct"):
        counts = (trial.ledgers.client, trial.ledgers.audit_user, trial.ledgers.metric)
        assert [3 * trial.reads] * 3 == [
            sum(number for key, number in count.items() if key.verb == "list") for count in counts
        ]


def test_what_the_probe_asks_a_server_is_not_billed_to_its_reads(plain):
    data, analysis = plain
    direct = arm(analysis, "direct")
    ledgers = [trial.ledgers for trial in data.of_arm("list", "direct")]
    assert 6 * 20 == sum((counts.audit_user - counts.for_reads).total() for counts in ledgers)
    assert direct.reads == direct.api_requests


def test_a_ratio_of_throughputs_is_found(made):
    arms = {"direct": Arm(1.0, 40.0, 300.0), "informer": Arm(0.0, 8.0, 5.0)}
    analysis = made(scenarios=(CLOSED,), arms=arms, **BOTH)[1]
    assert 5.0 == pytest.approx(
        analysis.scenarios[0].comparison("throughput", "direct").ratio.value
    )


def test_control_plane_cpu_is_found_above_the_floor_per_second_and_per_1000_reads(plain):
    direct = arm(plain[1], "direct")
    per_second = direct.figure("apiserver_cpu").estimate
    # 50 reads a second for 8 of the 8.5 seconds between the marks, 300 ms in each of the latter
    assert per_second.holds(300.0 * 8.5 / 8)
    assert per_second.value == pytest.approx(300.0 * 8.5 / 8, rel=0.05)
    per_1000 = direct.figure("apiserver_cpu", per_1000=True)
    assert per_1000.value == pytest.approx(per_second.value / 50 * 1_000)


def test_etcds_part_is_added_to_the_control_plane(plain):
    figures = arm(plain[1], "direct")
    both = figures.figure("apiserver_cpu").rounds[2] + figures.figure("etcd_cpu").rounds[2]
    assert both == pytest.approx(figures.figure("control_plane_cpu").rounds[2])


def test_twenty_writes_a_second_are_billed_to_no_server(made):
    busy = replace(SCENARIO, churn_per_s=20.0)
    arms = {"informer": replace(ARMS["informer"], bytes_per_read=0.0)}
    _, analysis = made(scenarios=(busy,), arms=arms, **BOTH)
    figures = arm(analysis, "informer")
    floor = arm(analysis, NO_SERVER)
    for key in ("api_bytes", "api_allocations", "etcd_bytes", "etcd_ranges", "flow_seats"):
        assert floor.figure(key).value > 0
        assert 0.0 == figures.figure(key).value


def test_staleness_is_how_long_a_write_may_not_have_been_seen(made):
    arms = {"informer": replace(ARMS["informer"], stale_ms=50.0)}
    data, analysis = made(arms=arms, **BOTH)
    informer = arm(analysis, "informer")
    upper = data.times("list", "informer", Times.STALENESS).percentile(0.5).value_ms
    assert 51.0 <= upper < 61.0
    assert pytest.approx(upper) == informer.figure("staleness_p50").value
    assert 1.0 == informer.figure("stale_first_reads").value
    assert 50.0 == informer.figure("event_delay_p50").value


def test_fresh_answers_are_found_fresh(plain):
    direct = arm(plain[1], "direct")
    assert 0.0 == direct.figure("stale_first_reads").value
    assert "not measured" == direct.figure("event_delay_p50").missing


def test_what_another_client_pays_is_found_with_its_ratio(plain):
    data, analysis = plain
    ratio = analysis.scenarios[0].comparison("bystander_p50", "direct").ratio
    assert 1 / ratio.value == pytest.approx(4.0, rel=0.1)
    # and against the machine without any server
    sides = [Side("list", arm(analysis, server)) for server in ("direct", NO_SERVER)]
    floor = {comparison.metric: comparison for comparison in compare(frame_of(data.data), *sides)}
    assert floor["bystander_p50"].ratio.value == pytest.approx(4.0, rel=0.1)


def test_one_percent_dropped_is_one_percent(made):
    unanswered = {"direct": {"dropped": 4}}
    times = made(unanswered=unanswered, **BOTH)[0].times("list", "direct", Times.RESPONSE)
    assert 0.01 == times.censored / times.samples


def test_memory_for_a_pod_is_what_is_ready_above_the_server_that_keeps_none(plain):
    figures = arm(plain[1], "informer")
    # 54 MB and 36 MB when ready, 100 pods
    assert 180_000.0 == figures.figure("memory_per_pod").value
    assert arm(plain[1], "direct").figure("memory_per_pod").value is None


def test_the_same_against_the_same_shows_few_differences(plain):
    decided = [
        pair.ratio.holds(1.0)
        for pair in plain[1].scenarios[0].controls[0].comparisons
        if pair.ratio is not None and pair.ratio.low not in (None, pair.ratio.high)
    ]
    assert len(decided) > 5
    assert decided.count(False) <= 1


def test_both_intervals_and_what_they_could_show_are_told(plain):
    comparison = plain[1].scenarios[0].comparison("p50", "direct")
    assert comparison.upheld is True
    assert comparison.ratio.bounds == pytest.approx(comparison.check, rel=0.05)
    assert 0 < comparison.detectable < 0.2
    assert 0 < comparison.variation < 0.1
    assert () == comparison.outlying


def test_an_outlying_round_is_marked_and_stays_in_the_figure(store):
    reader = write_run(store, **BOTH)
    path = next(reader.folder.glob("trials/*-direct-r3/trial.json"))
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"server_cpu_s": 10 * record["server_cpu_s"]}))
    scenario = analyse(reader).scenarios[0]
    comparison = scenario.comparison("server_cpu", "direct")
    assert (3,) == comparison.outlying
    assert set(range(6)) == set(scenario.pairs(comparison))
    assert comparison.ratio.value == pytest.approx(0.05 / 10 ** (1 / 6))
