"""Unit costs and break-even read rates, against sweeps whose truth is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.analysis import analyse, read_run
from bench.analysis.cost_fit import cost_model, design_of, fit_rows, terms_of, weights_of
from bench.analysis.cost_model import INFORMER, START, CostModel, CostRow, Question, Unfitted
from bench.analysis.frame import frame_of
from bench.metrics import BY_KEY
from bench.plan import Vocabulary, read_plan
from bench.store import Store
from tests.unit.analysis.sweeps import CELLS, Truth, sweep, write_sweep
from tests.unit.analysis.synthetic import SCENARIO, write_run

CPU = BY_KEY["apiserver_cpu"]
EXACT = Truth(noise=0.0)


def _fitted(rows: list[CostRow]) -> CostModel:
    model = fit_rows(CPU, rows)
    assert isinstance(model, CostModel)
    return model


def test_the_plan_sweep_has_the_cells_that_these_tests_make_up() -> None:
    vocabulary = Vocabulary(("direct", "direct-rv0", "informer"), ("list-all",))
    plan = read_plan("sweep", vocabulary)
    assert CELLS == tuple((s.name, s.pods, s.churn_per_s, s.rate_rps) for s in plan.scenarios)
    assert all(not scenario.probe for scenario in plan.scenarios)


def test_without_noise_the_unit_costs_are_found_again() -> None:
    model = _fitted(sweep(EXACT))
    fitted = {(unit.arm, unit.per): unit.estimate.value for unit in model.units}
    assert (
        pytest.approx(
            {
                ("direct", "read"): 2.0,
                ("direct", "pod in a read"): 0.05,
                ("direct-rv0", "read"): 1.6,
                ("direct-rv0", "pod in a read"): 0.04,
                ("informer", "write"): 0.4,
            }
        )
        == fitted
    )
    assert [pytest.approx(1.0)] * 3 == [goodness.r_squared for goodness in model.goodness]


def test_the_sweeps_cells_tell_the_unit_costs_apart() -> None:
    assert _fitted(sweep()).fit.condition < 5


def test_the_break_even_rate_is_the_informers_cost_by_a_reads() -> None:
    model = _fitted(sweep(EXACT))
    question = Question(1.0, 400, 20.0, replicas=3.0, lifetime_s=600.0)
    a_read, a_start = 2.0 + 400 * 0.05, 1.6 + 400 * 0.04
    expected = 3 * (20 * 0.4 + a_start / 600) / a_read
    assert pytest.approx(expected) == model.break_even("direct", question).rate
    at = replace(question, reads_per_s=expected)
    assert model.cost("direct", at).value == pytest.approx(model.cost(INFORMER, at).value)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    truth, question, sweeps = Truth(noise=0.05), Question(1.0, 400, 20.0), 100
    a_read = truth.read + 400 * truth.read_pod
    rate = (20 * truth.event + truth.rv0 * a_read / question.lifetime_s) / a_read
    covered = np.zeros(4)
    for seed in range(sweeps):
        model = _fitted(sweep(truth, seed=seed))
        costs = [model.units[index].estimate for index in (0, 1, 4)]
        for index, (cost, true) in enumerate(
            zip(costs, (truth.read, truth.read_pod, truth.event), strict=True)
        ):
            assert cost.low is not None
            assert cost.high is not None
            covered[index] += cost.low <= true <= cost.high
        even = model.break_even("direct", question)
        assert even.low is not None
        covered[3] += even.low <= rate and (even.high is None or rate <= even.high)
    # 100 draws at 95% have a standard error of 2.2 points.
    assert all(0.89 <= share <= 1.0 for share in covered / sweeps)


@pytest.mark.parametrize("event", [0.0, 0.25])
def test_the_cost_of_an_event_is_found_without_bias(event: float) -> None:
    costs = []
    for seed in range(1_000):
        rows = sweep(Truth(event=event, noise=0.08), seed=seed)
        design = design_of(rows, terms_of(rows))
        cost = np.array([row.cost for row in rows])
        root = np.sqrt(weights_of(rows, design, cost))
        costs.append(np.linalg.lstsq(design * root[:, None], cost * root, rcond=None)[0][-1])
    error = np.std(costs) / np.sqrt(len(costs))
    assert abs(np.mean(costs) - event) <= 0.05 * 0.25 + 2 * error


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ({"event": 0.0}, [pytest.approx(0.8 / 3600)] * 3),  # the start alone
        ({"event": -0.5}, [0.0] * 3),  # measured below the floor: from the first read on
        ({"read": -0.1, "read_pod": -0.001}, [None, 0.0, None]),  # reads that cost nothing: never
    ],
)
def test_the_break_even_rate_where_something_costs_nothing(
    costs: dict[str, float], expected: list[float | None]
) -> None:
    model = _fitted(sweep(replace(EXACT, **costs)))
    even = model.break_even("direct", Question(1.0, 400, 40.0))
    assert (expected, expected[0] is None) == ([even.rate, even.low, even.high], even.never)


def test_reads_lost_in_the_noise_leave_the_rate_without_an_upper_end() -> None:
    model = _fitted(sweep(Truth(read=0.02, read_pod=0.0002, event=3.0, noise=0.1)))
    assert model.break_even("direct", Question(1.0, 400, 40.0)).high is None


def test_no_churn_asks_for_one_read_in_a_lifetime_of_the_cache() -> None:
    model = _fitted(sweep(EXACT))
    even = model.break_even("direct-rv0", Question(1.0, 400, 0.0, lifetime_s=1800.0))
    assert pytest.approx(1 / 1800) == even.rate


def test_a_start_that_was_measured_is_used_in_place_of_a_read() -> None:
    starts = [
        CostRow(name, number, START, pods, 0.0, 0.0, 500.0 + 4.0 * pods, 0.0)
        for number in (1, 2, 3)
        for name, pods, _, _ in CELLS
    ]
    model = _fitted([*sweep(EXACT), *starts])
    assert model.start_from is None
    even = model.break_even("direct", Question(1.0, 1000, 0.0, lifetime_s=100.0))
    assert pytest.approx(4500 / 100 / 52) == even.rate


def test_replicas_multiply_an_events_cost_and_no_reads() -> None:
    model = _fitted(sweep(EXACT, replicas=(1, 3, 6)))
    fitted = {(unit.arm, unit.per): unit.estimate.value for unit in model.units}
    assert pytest.approx(0.4) == fitted["informer", "write"]
    assert pytest.approx(0.05) == fitted["direct", "pod in a read"]
    assert model.knows_replicas
    even = [
        model.break_even("direct", Question(0.0, 400, 20.0, replicas=several)).rate
        for several in (1, 4)
    ]
    assert even[0] is not None
    assert pytest.approx(4 * even[0]) == even[1]


def test_intervals_hold_with_replicas_too() -> None:
    truth, sweeps, held = Truth(noise=0.05), 80, 0
    for seed in range(sweeps):
        cells = [("steady", 300, 20.0, 12.0)]
        model = _fitted(sweep(truth, seed=seed, cells=cells, replicas=(1, 3, 6)))
        (event,) = [unit.estimate for unit in model.units if unit.arm == "informer"]
        assert event.low is not None
        assert event.high is not None
        held += event.low <= truth.event <= event.high
    assert 0.88 <= held / sweeps <= 1.0


def test_a_cost_that_does_not_add_up_over_replicas_is_found() -> None:
    rows = [
        replace(row, cost=row.cost * row.replicas**-0.5) if row.arm == "informer" else row
        for row in sweep(Truth(noise=0.01), replicas=(1, 3, 6))
    ]
    p_values = {goodness.arm: goodness.lack_of_fit for goodness in _fitted(rows).goodness}
    assert p_values["informer"] < 0.01 < p_values["direct"]


def test_starts_of_all_replicas_are_shared_out() -> None:
    starts = [
        CostRow(name, 1, START, pods, 0.0, 0.0, 3 * (500.0 + 4.0 * pods), 0.0, replicas=3)
        for name, pods, _, _ in CELLS
    ]
    model = _fitted([*sweep(EXACT, replicas=(3,)), *starts])
    question = Question(0.0, 1000, 0.0, replicas=1.0, lifetime_s=100.0)
    assert pytest.approx(4500 / 100) == model.cost("informer", question).value


def test_one_cell_gives_costs_at_its_pods_and_no_more() -> None:
    model = _fitted(sweep(rounds=4, cells=[("steady", 1000, 20.0, 10.0)]))
    assert not model.knows_pods
    assert ["a read, at 1,000 pods", "a read, at 1,000 pods", "a write to a pod"] == [
        unit.title for unit in model.units
    ]
    assert all(goodness.r_squared is None for goodness in model.goodness)
    assert (1000.0, 1000.0) == model.ranges.pods


def test_a_single_round_of_one_cell_gives_costs_without_an_interval() -> None:
    model = _fitted(sweep(rounds=1, cells=[("steady", 1000, 20.0, 10.0)]))
    assert all(unit.estimate.low is None for unit in model.units)
    even = model.break_even("direct", Question(1.0, 1000, 20.0))
    assert even.rate is not None
    assert (even.low, even.high) == (None, None)


def test_a_cost_that_bends_with_the_pods_is_found() -> None:
    rows = [
        replace(row, cost=row.cost + row.reads_per_s * 4e-4 * row.pods**1.8)
        if row.arm == "direct"
        else row
        for row in sweep()
    ]
    p_values = {goodness.arm: goodness.lack_of_fit for goodness in _fitted(rows).goodness}
    assert p_values["direct"] < 0.01 < p_values["informer"]


def test_a_control_is_no_row_and_every_round_has_its_own_floor(tmp_path: Path) -> None:
    servers = ("direct", "direct-again", "informer", "none")
    reader = write_run(Store(tmp_path), servers=servers, skip=[("none", 1)])
    (model, *_) = [model for model in analyse(reader).cost_models if model.quantity == CPU.key]
    assert {("direct", 0), ("direct", 2), ("informer", 0), ("informer", 2)} == {
        (row.arm, row.round) for row in model.rows
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"scenarios": (replace(SCENARIO, rate_rps=None),)}, "at full speed"),
        ({"scenarios": (replace(SCENARIO, churn_per_s=0.0),)}, "no scenario has churn"),
        ({"servers": ("direct", "informer")}, "no arm 'none'"),
        ({"servers": ("direct", "none")}, "good trials of both informer and none"),
        ({"servers": ("informer", "none")}, "good trials of both direct and none"),
    ],
)
def test_a_run_that_cannot_tell_says_what_it_lacks(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    analysis = analyse(write_run(Store(tmp_path), **changes))
    assert () == analysis.cost_models
    assert [True] * 3 == [why in unfitted.why for unfitted in analysis.unfitted]


def test_cells_that_do_not_tell_the_unit_costs_apart_are_named() -> None:
    """No reads, and no writes."""
    rows = [
        CostRow(f"{pods}", number, arm, pods, 0.0, 0.0, 0.0, 1.0)
        for arm in ("direct", INFORMER)
        for number in (1, 2)
        for pods in (10.0, 20.0)
    ]
    unfitted = fit_rows(CPU, rows)
    assert isinstance(unfitted, Unfitted)
    assert "vary reads, churn and pods" in unfitted.why


def test_what_no_trial_could_read_is_named(tmp_path: Path) -> None:
    run = read_run(write_run(Store(tmp_path)))
    unread = [
        replace(data, marks=None, record=replace(data.record, apiserver_cpu_s=None))
        for data in run.data
    ]
    unfitted = cost_model(run.record.plan, frame_of(unread), unread, CPU)
    assert isinstance(unfitted, Unfitted)
    assert "no trial could read it here (API-server CPU)" in unfitted.why


def test_the_table_of_break_even_rates_has_every_situation_that_was_asked_for(
    tmp_path: Path,
) -> None:
    cells = [("p100", 100, 20.0, 12.0), ("p400", 400, 40.0, 5.0)]
    analysis = analyse(write_sweep(Store(tmp_path), EXACT, cells=cells, replicas=(1, 3)))
    model = next(model for model in analysis.cost_models if model.quantity == CPU.key)
    situations = [(rate.pods, rate.churn_per_s, rate.replicas) for rate in model.break_evens]
    expected = [
        (pods, churn, replicas)
        for pods in (100, 400)
        for churn in (20.0, 40.0)
        for replicas in (1, 3)
        for _ in ("direct", "direct-rv0")
    ]
    assert expected == situations
    first = model.break_evens[0]
    assert pytest.approx((20 * 0.4 + 1.6 / 3600 + 4 / 3600) / 7.0, rel=1e-3) == first.rate
