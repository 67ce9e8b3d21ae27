"""Controls, the same server measured twice: equal, different, or undecided."""

from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.stats import Verdict
from tests.unit.analysis.synthetic import SCENARIO

CLOSED = replace(SCENARIO, name="capacity", rate_rps=None, users=1)
RUN = {"servers": ("direct", "informer", "none"), "control": "direct", "rounds": 6}
ALONE = RUN | {"servers": ("direct",)}


def without(made, *gone):
    """Analyse the run without some of its trials: (server, round)."""
    data, _ = made(**RUN)
    rest = tuple(
        trial for trial in data.every if (trial.trial.server, trial.trial.round) not in gone
    )
    return analyse(replace(data, every=rest, data=rest)).scenarios[0].controls


@pytest.mark.parametrize(
    ("scenario", "metric"), [(SCENARIO, "service_p50"), (CLOSED, "throughput")]
)
def test_the_metric_that_decides_is_named_by_the_kind_of_scenario(made, scenario, metric):
    (control,) = made(scenarios=(scenario,), **ALONE)[1].scenarios[0].controls
    assert (metric, Verdict.EQUIVALENT, False) == (
        control.metric,
        control.verdict,
        control.fired,
    )
    low, high = control.ratio.bounds
    assert low <= control.ratio.value <= high


@pytest.mark.parametrize("scenario", [SCENARIO, CLOSED])
def test_a_server_that_differs_from_itself_fires(made, scenario):
    (control,) = made(scenarios=(scenario,), again=1.3, **ALONE)[1].scenarios[0].controls
    assert control.fired


def test_what_does_not_decide_is_shown_and_does_not_fire(made):
    """An open scenario's throughput is the offered rate, and its memory may be anything."""
    (control,) = made(**RUN)[1].scenarios[0].controls
    assert {"apiserver_cpu", "memory_end"} <= {pair.metric for pair in control.comparisons}
    assert not control.fired


def test_a_control_is_no_contender(made):
    scenario = made(**RUN)[1].scenarios[0]
    assert ["direct", "informer", "none", "direct-again"] == [arm.server for arm in scenario.arms]
    assert ["direct", "informer"] == [arm.server for arm in scenario.contenders]
    assert {("informer", "direct")} == {
        (pair.subject, pair.baseline) for pair in scenario.comparisons
    }
    assert () == scenario.missing


def test_a_run_of_one_server_and_its_control_has_nothing_to_compare_but_itself(made):
    analysis = made(**(RUN | {"servers": ("direct", "none")}))[1]
    assert () == analysis.scenarios[0].comparisons
    assert ["direct-again"] == [control.arm for _, control in analysis.controls]


def test_rounds_are_paired(made):
    (control,) = without(made, ("direct", 0), ("direct-again", 1))
    assert 4 == control.ratio.n


def test_a_control_that_was_not_measured_is_none(made):
    assert () == without(made, *[("direct-again", number) for number in range(6)])
