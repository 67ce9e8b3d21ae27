"""A whole run: figures agree with those computed by hand from its files."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analysis import analyse, read_run
from bench.analysis.arms import arms_of
from bench.analysis.comparisons import Side, compare
from bench.analysis.frame import COLUMNS, Frame, frame_of
from bench.analysis.request_bill import Recovery
from bench.analysis.result import Arm, Direction
from bench.metrics import BY_KEY, Times
from bench.model import NO_SERVER, Caveat, CaveatKind, Outcome
from bench.store import Store, StoreError
from bench.store.tables import REQUESTS, write_table
from bench.trial.stalls import unfit_marks
from tests.unit.analysis.synthetic import SCENARIO, write_run

CLOSED = replace(SCENARIO, name="capacity", rate_rps=None)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def arm(analysis, server):
    return analysis.scenarios[0].arm(server)


def trial_folders(reader, server):
    for folder in sorted((reader.folder / "trials").iterdir()):
        record = json.loads((folder / "trial.json").read_text())
        if record["trial"]["server"] == server:
            yield folder, record


def test_without_a_floor_the_whole_process_is_shown(made):
    data, analysis = made(servers=("direct", "informer"))
    values = [
        1000 * r["apiserver_cpu_s"] / r["window_s"] for _, r in trial_folders(data.reader, "direct")
    ]
    value = arm(analysis, "direct").figure("apiserver_cpu").value
    assert pytest.approx(np.mean(values)) == value


def test_a_round_whose_floor_is_missing_is_left_out_of_the_costs(made):
    _, analysis = made(skip=[(NO_SERVER, 1)])
    assert {0, 2} == set(arm(analysis, "direct").figure("apiserver_cpu").rounds)


def test_throughput_is_answered_reads_over_the_window(made):
    data, analysis = made(scenarios=(CLOSED,), unanswered={"direct": {"failed": 16}})
    rates = []
    for folder, record in trial_folders(data.reader, "direct"):
        rows = pd.read_parquet(folder / "requests.parquet")
        rates.append((rows["outcome"] == "ok").sum() / record["window_s"])
    assert pytest.approx(np.mean(rates)) == arm(analysis, "direct").figure("throughput").value


@pytest.mark.parametrize(("per_1000", "difference"), [(True, -1000.0), (False, -50.0)])
def test_zero_against_many_is_at_least_and_never_a_division(made, per_1000, difference):
    comparison = made()[1].scenarios[0].comparison("api_requests", "direct", per_1000=per_1000)
    assert comparison.ratio is None
    # 1,200 requests for 1,200 reads in 24 s against 0: Garwood's bounds of 1,200 and of 0
    assert pytest.approx(1133.06 / 3.6889, rel=1e-3) == comparison.at_least
    assert pytest.approx(difference) == comparison.difference.value
    assert Direction.LESS is comparison.direction
    # zeros have no spread: what is left of the baseline reaches up to the exact bound
    assert (0.0, 0.0) == (comparison.times.value, comparison.times.low)
    assert pytest.approx(1 / comparison.at_least) == comparison.times.high


def after_a_fault(made, informer, direct):
    """Return the comparison of so many requests after a fault in each round, and the arms."""
    counts = {"informer": informer, "direct": direct}
    trials = [
        replace(data, recovery=Recovery(counts[data.trial.server][data.trial.round], None))
        for data in made()[0].data
        if data.trial.server in counts
    ]
    frame = frame_of(trials)
    arms = {arm.server: arm for arm in arms_of(frame, trials, tuple(counts))}
    pairs = compare(frame, Side("list", arms["informer"]), Side("list", arms["direct"]))
    return next(pair for pair in pairs if pair.metric == "recovery_requests"), arms


def test_no_request_after_a_fault_has_its_exact_bound(made):
    comparison, arms = after_a_fault(made, (0, 0, 0), (5, 6, 5))
    # Garwood's bounds of 16 and of 0 in three rounds each
    assert pytest.approx(9.1454 / 3.6889, rel=1e-3) == comparison.at_least
    assert pytest.approx((0.0, 0.0, 1 / comparison.at_least)) == (
        comparison.times.value,
        *comparison.times.bounds,
    )
    assert pytest.approx(3.6889 / 3, rel=1e-3) == arms["informer"].figure("recovery_requests").high


def test_no_event_against_too_few_shows_no_difference(made):
    comparison, _ = after_a_fault(made, (0, 0, 0), (1, 0, 1))
    assert comparison.at_least is None
    assert Direction.UNCLEAR is comparison.direction
    assert comparison.times.high > 1


def test_only_rounds_that_have_both_servers_are_compared(made):
    _, analysis = made(skip=[("informer", 0)])
    scenario = analysis.scenarios[0]
    assert {1, 2} == set(scenario.pairs(scenario.comparison("p50", "direct")))


def test_a_single_round_has_no_interval(made):
    ratio = made(rounds=1)[1].scenarios[0].comparison("p50", "direct").ratio
    assert (None, None) == (ratio.low, ratio.high)


def test_failed_trials_are_in_no_figure(made):
    _, analysis = made(outcome=Outcome.FAILED, failure="the server died")
    assert () == analysis.scenarios[0].arms
    assert ("direct", "direct-rv0", "informer", NO_SERVER) == analysis.scenarios[0].missing


def test_arms_come_in_the_order_of_presentation_and_new_ones_follow(made):
    _, analysis = made(servers=(NO_SERVER, "paged", "informer", "ttl", "direct"), rounds=1)
    names = [measured.server for measured in analysis.scenarios[0].arms]
    assert ["direct", "informer", "paged", "ttl", NO_SERVER] == names


def test_every_other_server_is_compared_with_the_informer(made):
    _, analysis = made(servers=("direct", "paged", "informer"), rounds=2)
    pairs = {(pair.subject, pair.baseline) for pair in analysis.scenarios[0].comparisons}
    assert {("informer", "direct"), ("informer", "paged")} == pairs


def test_bytes_are_those_of_reads_and_of_watch_events_above_the_floor(made):
    value = arm(made()[1], "direct").figure("api_bytes").value
    # 400 reads of 400,000 bytes in 8 s; the watch events, in `none` too, are not among them
    assert pytest.approx(400 * 400_000 / 8.0) == value


def test_a_metric_that_is_not_exposed_is_missing_and_not_zero(made):
    _, analysis = made(tables=("requests", "audit"))
    figure = arm(analysis, "direct").figure("etcd_requests")
    assert figure.value is None
    assert "not measured" == figure.missing


@pytest.mark.parametrize("refused", [False, True])
def test_cpu_that_the_kernel_could_not_give_is_scraped_and_refused_cpu_is_missing(made, refused):
    text = unfit_marks(19.2, 7.1)
    caveats = (Caveat(CaveatKind.METRIC_MISSING, text),) if refused else ()
    _, analysis = made(apiserver_cpu_s=None, etcd_cpu_s=None, caveats=caveats)
    figure = arm(analysis, NO_SERVER).figure("etcd_cpu")
    assert (None if refused else pytest.approx(1000 * 0.2 / 8.5)) == figure.value


def test_a_percentile_that_one_round_cannot_carry_is_withheld_from_the_comparison(store):
    reader = write_run(store, rounds=2, scenarios=(replace(SCENARIO, rate_rps=200.0),))
    cut_short(reader, "direct", 999)
    analysis = analyse(reader)
    figure = arm(analysis, "direct").figure("p99")
    assert ({}, "withheld: a round needs 1,000 requests, has 999") == (
        figure.rounds,
        figure.missing,
    )
    assert analysis.scenarios[0].comparison("p99", "direct") is None
    # all requests together carry it, and so does each round its median
    assert arm(analysis, "direct").percentile(0.99).value_ms is not None
    assert analysis.scenarios[0].comparison("p50", "direct") is not None


@pytest.mark.parametrize(
    ("table", "column"), [("freshness", "first_stale"), ("bystander", "intended_us")]
)
def test_an_observers_table_without_a_column_is_named(made, tmp_path, table, column):
    data, _ = made()
    shutil.copytree(data.reader.folder, tmp_path / data.record.run)
    path = next((tmp_path / data.record.run).glob(f"trials/*-direct-r1/{table}.parquet"))
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
    with pytest.raises(StoreError, match=rf"direct-r1/{table}.parquet: missing columns: {column}"):
        read_run(Store(tmp_path).open(data.record.run))


def cut_short(reader, server, kept):
    """Keep the first rows of the requests of one of ``server``'s trials."""
    path = next(reader.folder.glob(f"trials/*-{server}-r0/requests.parquet"))
    write_table(path.parent, REQUESTS, pd.read_parquet(path)[:kept].to_dict("list"))


def test_rounds_that_went_too_badly_to_be_stated_are_not_left_out_in_silence(made):
    """Every round's median falls among the unanswered, so the arm has none."""
    unanswered = {"direct": {"timeout": 300}}
    analysis = made(unanswered=unanswered)[1]
    figure = arm(analysis, "direct").figure("p50")
    assert "withheld: in round 0 it falls among what was not answered" == figure.missing
    assert arm(analysis, "direct").percentile(0.5).at_least
    assert analysis.scenarios[0].comparison("p50", "direct") is None


@pytest.mark.parametrize("key", ["staleness_p99", "bystander_p99"])
def test_percentiles_of_the_observers_need_samples_too(made, key):
    figure = arm(made()[1], "informer").figure(key)
    assert figure.value is None
    assert figure.missing.startswith("withheld: a round needs 1,000")


def test_no_request_that_completed_leaves_no_figure_and_no_crash(made):
    unanswered = {server: {"timeout": 400} for server in ("direct", "direct-rv0", "informer")}
    analysis = made(unanswered=unanswered)[1]
    direct = arm(analysis, "direct")
    assert 0.0 == direct.figure("throughput").value
    assert direct.figure("apiserver_cpu", per_1000=True).value is None
    assert direct.percentile(0.5).at_least
    assert analysis.scenarios[0].comparison("throughput", "direct").ratio is None


def test_a_window_of_one_second_is_analysed(made):
    analysis = made(seconds=1.0)[1]
    assert 50.0 == pytest.approx(arm(analysis, "direct").figure("throughput").value)


def test_a_percentile_of_the_observers_is_stated_of_all_rounds_where_no_round_can(made):
    """Ten writes a round, four rounds: forty writes suffice for a median, not for a comparison."""
    data, analysis = made(rounds=4, seconds=4.0)
    informer = arm(analysis, "informer")
    figure = informer.figure("staleness_p50")
    assert ({}, "withheld: a round needs 20 requests, has 10") == (figure.rounds, figure.missing)
    assert figure.value == data.times("list", "informer", Times.STALENESS).percentile(0.5).value_ms
    assert (None, None) == (figure.low, figure.high)
    assert analysis.scenarios[0].comparison("staleness_p50", "direct") is None


def compared(values, bases):
    """The informer against direct in a cost that may be 0, with these values above the floor."""
    metric = BY_KEY["etcd_requests"]
    rows = [
        ("list", server, metric.key, False, metric.unit, number, value)
        for server, numbers in (("informer", values), ("direct", bases))
        for number, value in enumerate(numbers)
    ]
    frame = Frame(pd.DataFrame(rows, columns=list(COLUMNS)), {}, {})
    sides = [
        Side("list", Arm(server, (), 0, None, {}, (), ())) for server in ("informer", "direct")
    ]
    (comparison,) = compare(frame, *sides)
    return comparison


def test_a_share_of_the_baseline_is_as_sure_as_both_together():
    # both vary with their round: the difference does so by as much, their quotient does not
    bases = [80.0, 100.0, 120.0, 140.0]
    comparison = compared(
        [base * 0.05 + noise for base, noise in zip(bases, (1, -6, 2, -3), strict=True)], bases
    )
    assert comparison.ratio is None
    low, high = comparison.times.bounds
    assert low < 0.05 < high
    assert high - low < 0.2
    assert Direction.LESS is comparison.direction


def test_a_share_of_a_baseline_that_may_be_zero_is_withheld_and_its_sign_kept():
    comparison = compared([5.0, 6.0, 5.5, 6.5], [0.5, -0.4, 0.3, -0.2])
    assert comparison.times is None
    assert comparison.difference.low > 0
    assert Direction.MORE is comparison.direction
