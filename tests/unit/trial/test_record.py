"""A trial's caveats: there when, and only when, they should be."""

from dataclasses import replace

import pytest

from bench.cluster.churn import ChurnReport
from bench.load.driver import Measured
from bench.model import NO_SERVER, CaveatKind, Outcome, Scenario, Trial
from bench.trial.record import blank, churn_caveats, load_caveats, with_load

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
def test_what_limits_a_load_is_told_with_its_figure(
    changes: dict[str, object], kind: CaveatKind, words: str
) -> None:
    ((found, text),) = load_caveats(replace(CALM, **changes))
    assert kind is found
    assert words in text


def test_a_closed_load_has_no_rate_to_miss() -> None:
    assert [] == list(load_caveats(replace(CALM, requested_rps=None, achieved_rps=0.1)))


def test_churn_that_kept_its_rate_has_no_caveat() -> None:
    assert [] == list(churn_caveats(STEADY))
    assert [] == list(churn_caveats(replace(STEADY, requested_per_s=0.0, achieved_per_s=0.0)))


def test_churn_that_fell_behind_is_told_with_both_rates_and_a_reason() -> None:
    slow = replace(STEADY, achieved_per_s=12.5, failed=4, first_failure="PATCH: 500")
    ((kind, text),) = churn_caveats(slow)
    assert CaveatKind.CHURN_NOT_REACHED is kind
    assert "12.5 times a second, not 20" in text
    assert "PATCH: 500" in text


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
