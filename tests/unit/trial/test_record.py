"""A trial has exactly the caveats that its measurements call for."""

from dataclasses import replace

import pytest
from msgspec import structs

from bench.cluster.churn import ChurnReport
from bench.load.driver import Measured
from bench.model import NO_SERVER, CaveatKind, LoadWorker, Outcome, Scenario, Trial
from bench.probes.metrics import ScrapeRow
from bench.probes.observation import Seen
from bench.probes.observers.bystander import Bystander, BystanderRow
from bench.probes.observers.freshness import FreshnessProbe
from bench.probes.staleness import FreshnessRow
from bench.trial.record import (
    UPSTREAM_BYTES,
    UPSTREAM_REQUESTS,
    blank,
    churn_caveats,
    drain_caveats,
    grown,
    load_caveats,
    observer_caveats,
    total_of,
    with_load,
)

CALM = Measured(
    window_begin_epoch_s=100.0,
    window_begin_monotonic_s=50.0,
    window_end_epoch_s=110.0,
    window_s=10.0,
    drained_epoch_s=110.1,
    sent=100,
    answered=100,
    failed=0,
    dropped=0,
    in_flight=0,
    requested_rps=10.0,
    achieved_rps=10.0,
    schedule_lag_p99_ms=1.0,
    cpu_s=1.0,
    cpu_share=0.1,
    requests_file="requests.parquet",
)
STEADY = ChurnReport(
    requested_per_s=20.0,
    achieved_per_s=20.0,
    written=200,
    failed=0,
    dropped=0,
    elapsed_s=10.0,
    resource_version="1",
    first_failure=None,
    fewest=9,
    most=10,
)
SCENARIO = Scenario(name="s", route="list-all", users=8, pods=10, rate_rps=10.0, churn_per_s=20.0)


def test_a_load_that_went_well_has_no_caveat() -> None:
    assert [] == list(load_caveats(CALM))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"failed": 3, "first_failures": ("status 500",)}, CaveatKind.FAILED_REQUESTS, "500"),
        ({"dropped": 2}, CaveatKind.DROPPED_ARRIVALS, "2 arrivals"),
        ({"in_flight": 1}, CaveatKind.NOT_DRAINED, "1 requests in flight"),
        ({"cpu_share": 0.95}, CaveatKind.GENERATOR_SATURATED, "95% of a processor"),
        ({"achieved_rps": 9.0}, CaveatKind.RATE_NOT_REACHED, "9.00 good answers a second"),
    ],
)
def test_a_limit_of_the_load_is_a_caveat_with_its_figure(
    changes: dict[str, object], kind: CaveatKind, words: str
) -> None:
    ((caveat, text),) = load_caveats(structs.replace(CALM, **changes))
    assert kind is caveat
    assert words in text


WORKER = LoadWorker("gamma", 50, 50, 0, 0, 0.1, 1.0, 3_000, 100, 20)


def test_the_busiest_of_several_workers_is_named_when_it_is_saturated() -> None:
    workers = (WORKER, replace(WORKER, name="delta", cpu_share=0.97))
    measured = structs.replace(CALM, cpu_share=0.97, workers=workers)
    ((kind, text),) = load_caveats(measured)
    assert CaveatKind.GENERATOR_SATURATED is kind
    assert text.startswith("the load worker delta used 97% of a processor")


@pytest.mark.parametrize("changes", [{"clock_uncertainty_us": 20_000}, {"clock_drift_us": -20_000}])
def test_a_worker_whose_clock_is_hardly_known_is_named(changes: dict[str, int]) -> None:
    measured = structs.replace(CALM, workers=(WORKER, replace(WORKER, name="delta", **changes)))
    ((kind, text),) = load_caveats(measured)
    assert CaveatKind.CLOCKS_APART is kind
    assert text.startswith("the clock of the load worker delta is known to 20.")


def test_workers_whose_clocks_are_known_are_no_caveat_and_are_recorded() -> None:
    measured = structs.replace(CALM, workers=(WORKER,))
    assert [] == list(load_caveats(measured))
    record = with_load(blank(Trial(0, "s", "direct", 1), SCENARIO, "direct"), measured)
    assert (WORKER,) == record.load_workers


def test_a_closed_load_has_no_rate_to_miss() -> None:
    assert [] == list(load_caveats(structs.replace(CALM, requested_rps=None, achieved_rps=0.1)))


def test_churn_that_kept_its_rate_has_no_caveat() -> None:
    assert [] == list(churn_caveats(STEADY))
    assert [] == list(churn_caveats(replace(STEADY, requested_per_s=0.0, achieved_per_s=0.0)))


def test_churn_that_fell_behind_is_a_caveat_with_both_rates_and_a_reason() -> None:
    slow = replace(STEADY, achieved_per_s=12.5, failed=4, first_failure="PATCH: 500")
    ((kind, text),) = churn_caveats(slow)
    assert CaveatKind.CHURN_NOT_REACHED is kind
    assert "12.5 times a second, not 20" in text
    assert "PATCH: 500" in text


def test_writes_in_flight_at_a_mark_are_a_caveat() -> None:
    assert [] == list(drain_caveats(STEADY, "begin"))
    ((kind, text),) = drain_caveats(replace(STEADY, in_flight=2), "begin")
    assert CaveatKind.NOT_DRAINED is kind
    assert "2 writes of the churn in flight at the begin mark" == text


def test_a_trial_counts_as_failed_until_it_is_over() -> None:
    record = blank(Trial(0, "s", "direct", 1), SCENARIO, "direct")
    assert Outcome.FAILED is record.outcome
    assert (10.0, 30.0) == (record.requested_rps, record.request_timeout_s)


def test_the_floor_offers_no_load() -> None:
    record = blank(Trial(0, "s", NO_SERVER, 1), SCENARIO, None)
    assert (None, None) == (record.requested_rps, record.request_timeout_s)
    assert 20.0 == record.churn_requested_per_s


def test_the_loads_figures_go_into_the_record_as_they_are() -> None:
    record = with_load(blank(Trial(0, "s", "direct", 1), SCENARIO, "direct"), CALM)
    assert (100, 100, 10.0, 0.1) == (
        record.sent,
        record.answered,
        record.window_s,
        record.generator_cpu_share,
    )


def scraped(mark: str, name: str, value: float, labels: str = "") -> ScrapeRow:
    return ScrapeRow(mark, "server", name, labels, value)


def test_a_servers_own_counter_is_summed_over_its_labels() -> None:
    rows = [
        scraped("begin", UPSTREAM_REQUESTS, 1, 'verb="list"'),
        scraped("end", UPSTREAM_REQUESTS, 5, 'verb="list"'),
        scraped("end", UPSTREAM_REQUESTS, 2, 'verb="watch"'),
        ScrapeRow("end", "apiserver", UPSTREAM_REQUESTS, "", 100.0),
    ]
    assert (1, 7) == tuple(total_of(rows, UPSTREAM_REQUESTS, mark) for mark in ("begin", "end"))
    assert 6 == grown(rows, UPSTREAM_REQUESTS)


def test_a_counter_that_has_counted_nothing_yet_is_zero_and_one_that_is_not_there_is_unknown() -> (
    None
):
    # the bytes have no labels and are shown from the first moment on
    quiet = [scraped("ready", UPSTREAM_BYTES, 0.0)]
    assert 0 == total_of(quiet, UPSTREAM_REQUESTS, "ready")
    assert total_of([scraped("ready", "python_info", 1.0)], UPSTREAM_BYTES, "ready") is None
    assert grown([scraped("end", UPSTREAM_BYTES, 5.0)], UPSTREAM_BYTES) is None


FRESHNESS = Seen(
    FreshnessProbe,
    (FreshnessRow(1_000_000, 7), FreshnessRow(3_500_000, 9)),
    in_flight=0,
    reads=8,
    elapsed_s=4.0,
    resource_version=9,
)
BYSTANDER = Seen(
    Bystander,
    (
        BystanderRow(999_999, 1_000_100, 1_000_900, 200, "ok"),
        BystanderRow(1_500_000, None, None, 0, "dropped"),
        BystanderRow(3_000_000, 3_000_100, 3_000_900, 200, "ok"),
    ),
    in_flight=0,
)


def test_what_was_observed_belongs_to_the_window_of_its_write_or_intended_start() -> None:
    assert [FreshnessRow(0, 7)] == FRESHNESS.rows_within(1_000_000, 2.0)
    dropped = BystanderRow(500_000, None, None, 0, "dropped")
    assert [dropped] == BYSTANDER.rows_within(1_000_000, 2.0)
    assert 2.0 == FRESHNESS.reads_per_s


def test_observers_that_went_well_have_no_caveat() -> None:
    assert [] == list(observer_caveats([FRESHNESS, BYSTANDER], "end"))


def test_failed_and_unfinished_requests_of_observers_are_caveats() -> None:
    seen = replace(FRESHNESS, in_flight=2, failed=3, first_failure="PATCH: 500")
    assert {
        CaveatKind.NOT_DRAINED: "2 requests of the freshness probe in flight at the begin mark",
        CaveatKind.FAILED_REQUESTS: "3 requests of the freshness probe failed: PATCH: 500",
    } == dict(observer_caveats([seen], "begin"))
