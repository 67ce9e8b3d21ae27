"""Effects put in on purpose are found again, at their true size and inside their intervals."""

import json
from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.analysis.compare import compare
from bench.model import NO_SERVER
from bench.store import Store
from tests.unit.analysis.synthetic import ARMS, SCENARIO, Arm, write_run

CLOSED = replace(SCENARIO, name="capacity", rate_rps=None, users=1)
QUICK = Arm(1.0, 2.0, 300.0)
BOTH = {"servers": ("direct", "informer", NO_SERVER), "rounds": 6}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run of both servers and the floor, as ``ARMS`` has them, with a control."""
    return analyse(write_run(Store(tmp_path_factory.mktemp("plain")), control="direct", **BOTH))


def arm(analysis, server):
    return next(one for one in analysis.scenarios[0].arms if one.server == server)


def holds(interval, truth):
    return interval.low <= truth <= interval.high


def test_five_milliseconds_that_were_added_are_found_as_five(store):
    arms = {"direct": QUICK, "informer": replace(QUICK, added_ms=5.0)}
    analysis = analyse(write_run(store, arms=arms, **BOTH))
    for key in ("p50", "service_p50"):
        found = analysis.scenarios[0].comparison(key, "direct").difference
        assert found.value == pytest.approx(5.0, abs=0.2)
        assert holds(found, 5.0)


def test_a_server_that_asks_three_times_a_read_is_found_at_three_by_all_ledgers(store):
    arms = {"direct": replace(QUICK, upstream_per_read=3.0)}
    analysis = analyse(write_run(store, arms=arms, **BOTH))
    direct = arm(analysis, "direct")
    assert 3_000.0 == pytest.approx(direct.per_1000["api_requests"].interval.value)
    for fact in direct.facts:
        counts = (fact.ledgers.client, fact.ledgers.audit_user, fact.ledgers.metric)
        assert [3 * fact.reads] * 3 == [
            sum(number for key, number in count.items() if key.verb == "list") for count in counts
        ]


def test_what_the_probe_asks_a_server_is_not_billed_to_its_reads(plain):
    direct = arm(plain, "direct")
    probed = sum(fact.ledgers.audit_probe.total() for fact in direct.facts)
    assert 6 * 20 == probed
    assert direct.reads == direct.reached


def test_a_ratio_of_throughputs_is_found(store):
    arms = {"direct": Arm(1.0, 40.0, 300.0), "informer": Arm(0.0, 8.0, 5.0)}
    analysis = analyse(write_run(store, scenarios=(CLOSED,), arms=arms, **BOTH))
    assert 5.0 == pytest.approx(
        analysis.scenarios[0].comparison("throughput", "direct").ratio.value
    )


def test_control_plane_cpu_is_found_above_the_floor_per_second_and_per_1000_reads(plain):
    direct = arm(plain, "direct")
    per_second = direct.figures["apiserver_cpu"].interval
    assert holds(per_second, 300.0)
    assert per_second.value == pytest.approx(300.0, rel=0.05)
    # 50 reads a second for 8 of the 8.5 seconds between the marks
    assert direct.per_1000["apiserver_cpu"].interval.value == pytest.approx(
        per_second.value * 8.5 / 400 * 1_000
    )


def test_etcds_part_is_added_to_the_control_plane(plain):
    figures = arm(plain, "direct").figures
    both = figures["apiserver_cpu"].rounds[2] + figures["etcd_cpu"].rounds[2]
    assert both == pytest.approx(figures["control_plane_cpu"].rounds[2])


def test_twenty_writes_a_second_are_billed_to_no_server(store):
    busy = replace(SCENARIO, churn_per_s=20.0)
    arms = {"informer": replace(ARMS["informer"], bytes_per_read=0.0)}
    reader = write_run(store, scenarios=(busy,), arms=arms, **BOTH)
    figures = arm(analyse(reader), "informer").figures
    floor = arm(analyse(reader), NO_SERVER).figures
    for key in ("api_bytes", "api_allocations", "etcd_bytes", "etcd_ranges", "flow_seats"):
        assert floor[key].interval.value > 0
        assert 0.0 == figures[key].interval.value


def test_staleness_lies_between_its_bounds(store):
    arms = {"informer": replace(ARMS["informer"], stale_ms=50.0)}
    analysis = analyse(write_run(store, arms=arms, **BOTH))
    informer = arm(analysis, "informer")
    lower = informer.freshness.lower.percentile(0.5).value_ms
    upper = informer.freshness.upper.percentile(0.5).value_ms
    assert lower <= 51.0 <= upper
    assert upper - lower < 10.0
    assert pytest.approx(upper) == informer.figures["staleness_p50"].interval.value
    assert 1.0 == informer.figures["stale_first_reads"].interval.value
    assert 50.0 == informer.figures["event_delay_p50"].interval.value


def test_fresh_answers_are_found_fresh(plain):
    direct = arm(plain, "direct")
    assert 0.0 == direct.figures["stale_first_reads"].interval.value
    assert "not measured" == direct.figures["event_delay_p50"].missing


def test_what_another_client_pays_is_found_with_its_ratio(plain):
    ratio = plain.scenarios[0].comparison("bystander_p50", "direct").ratio
    assert 1 / ratio.value == pytest.approx(4.0, rel=0.1)
    # and against the machine without any server
    floor = compare(arm(plain, "direct"), arm(plain, NO_SERVER), "bystander_p50").ratio
    assert floor.value == pytest.approx(4.0, rel=0.1)


def test_one_percent_dropped_is_one_percent(store):
    unanswered = {"direct": {"dropped": 4}}
    felt = arm(analyse(write_run(store, unanswered=unanswered, **BOTH)), "direct").felt
    assert 0.01 == felt.censored / felt.samples


def test_memory_for_a_pod_is_what_is_ready_above_the_server_that_keeps_none(plain):
    figures = arm(plain, "informer").figures
    # 54 MB and 36 MB when ready, 100 pods
    assert 180_000.0 == figures["memory_per_pod"].interval.value
    assert arm(plain, "direct").figures["memory_per_pod"].interval is None


def test_the_same_against_the_same_shows_few_differences(plain):
    decided = [
        one.ratio.holds(1.0)
        for one in plain.controls[0].comparisons
        if one.ratio is not None and one.ratio.low not in (None, one.ratio.high)
    ]
    assert len(decided) > 5
    assert decided.count(False) <= 1


def test_both_intervals_and_what_they_could_show_are_told(plain):
    found = plain.scenarios[0].comparison("p50", "direct")
    assert found.upheld is True
    assert 0 < found.disagreement < 1
    assert 0 < found.detectable < 0.2
    assert 0 < found.spread < 0.1
    assert () == found.outlying


def test_an_outlying_round_is_marked_and_stays_in_the_figure(store):
    reader = write_run(store, **BOTH)
    path = next(reader.folder.glob("trials/*-direct-r3/trial.json"))
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"server_cpu_s": 10 * record["server_cpu_s"]}))
    found = analyse(reader).scenarios[0].comparison("server_cpu", "direct")
    assert (3,) == found.outlying
    assert set(range(6)) == set(found.pairs)
    assert found.ratio.value == pytest.approx(0.05 / 10 ** (1 / 6))
