"""The figures of seven runs, field by field as they were when the analysis was last rewritten.

``before/`` holds every value of their summaries, comparisons, controls, cost models, replica
slopes and ledgers, the verdicts of the gate and the comparison of two runs. New fields may
come; none of these may change its value without its entry being changed with it.

Changed since, and nothing else: of the cost models ``units``, ``goodness``, ``break_even``,
``cost`` and ``condition``, for weights by each row's own floor billed its error to events (0.32 ms
found of a true 0.25); of ``read_paths`` the bounds of ``times`` whose subject may be 0, which are
Fieller's now (a difference over the baseline's mean made them 3.6 times too wide); what servers
cost per second, and all that follows from it, for a second is one of the window that the reads are
counted in and no longer one between the marks, which are up to 7% further apart. Verdicts against
another run are gone with the rules that gave them, and the percentiles of an arm without load,
which were withheld for having no request.
"""

import gzip
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.analysis import RunAnalysis, analyse
from bench.analysis.comparisons import precisions, rounds_to_buy, shortfall
from bench.analysis.cost_model import Question
from bench.gate.compare import side_by_side, unlike
from bench.gate.documents import verdict_json
from bench.gate.judge import judge
from bench.gate.rules import read_rules
from tests.golden.before_runs import RUNS

BEFORE = Path(__file__).with_name("before")
NAMES = (
    *("name", "rule", "server", "arm", "per", "metric", "per_1000", "scenario", "baseline"),
    *("kind", "q", "path", "text"),
)
"""What tells the members of a list apart, where they have it; their order is no value."""
ROUNDING = 1e-7
"""What is 0 but for rounding, of bytes per second too, which differs between processors."""
WORDS = {"title", "source"}
"""Words of the registry: not figures."""


def before(name: str) -> Any:
    return json.loads(gzip.decompress((BEFORE / f"{name}.json.gz").read_bytes()))


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory) -> tuple[str, RunAnalysis]:
    return request.param, analyse(RUNS[request.param](tmp_path_factory.mktemp("runs")))


def flat(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each leaf with its path; members of a list are named by what they are."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat(part, f"{where}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from flat(part, f"{where}[{_name(part, index)}]")
    else:
        yield where, value


def _name(part: Any, index: int) -> str:
    if not isinstance(part, Mapping):
        return str(index)
    told = [part[key] for key in NAMES if part.get(key) is not None]
    told = [one["name"] if isinstance(one, Mapping) else one for one in told]
    told += [part[key] for key in ("round", "replica") if isinstance(part.get(key), int)]
    return "/".join(map(str, told)) or str(index)


def same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, float) and isinstance(actual, int | float):
        return math.isclose(expected, actual, rel_tol=1e-8, abs_tol=ROUNDING)
    return bool(expected == actual)


def assert_same(expected: Any, actual: Any) -> None:
    """Every leaf of ``expected`` is in ``actual``, which may hold more."""
    found = dict(flat(msgspec.json.decode(msgspec.json.encode(actual))))
    missing = object()
    differing = {
        where: (value, found.get(where, "missing"))
        for where, value in flat(expected)
        if where.rsplit(".", 1)[-1] not in WORDS and not same(value, found.get(where, missing))
    }
    assert {} == differing


def test_the_summary_holds_the_same_values(run):
    name, analysis = run
    expected = before(name)["summary"]
    if name == "troubled":  # more kinds void a run since the gate and the page share one set
        expected["void"] = [one for one in expected["caveats"] if one in analysis_voids(analysis)]
    assert_same(expected, analysis)


def analysis_voids(analysis: RunAnalysis) -> list[Any]:
    return list(msgspec.json.decode(msgspec.json.encode(analysis.void)))


def test_comparisons_and_controls_are_the_same(run):
    name, analysis = run
    was = before(name)
    for one in was["comparisons"]:
        scenario = analysis.scenario(one["scenario"])
        found = scenario.comparison(one["metric"], one["baseline"], per_1000=one["per_1000"])
        pairs = {str(number): list(pair) for number, pair in scenario.pairs(found).items()}
        check = None if found.check is None else list(found.check)
        told = (*(one[key] for key in ("pairs", "detectable", "outlying", "upheld", "spread")),)
        assert_same(
            [*told, one["check"][1:] if check and one["check"] else None],
            [pairs, found.detectable, found.outlying, found.upheld, found.variation, check],
        )
    for one in was["controls"]:
        (control,) = (
            control
            for scenario, control in analysis.controls
            if (scenario, control.arm) == (one["scenario"], one["arm"])
        )
        stated = {f"{c.metric}/{c.per_1000}": c for c in control.comparisons}
        told = ("server", "metric", "verdict", "margin", "ratio")
        assert_same([one[key] for key in told], [getattr(control, key) for key in told])
        assert_same(one["ratios"], {key: c.ratio for key, c in stated.items()})
        assert_same(one["differences"], {key: c.difference for key, c in stated.items()})


def test_unit_costs_and_break_even_rates_are_the_same(run):
    name, analysis = run
    models = {one.quantity: one for one in analysis.cost_models}
    unfitted = {one.quantity: one for one in analysis.unfitted}
    for one in before(name)["cost_models"]:
        if "why" in one:
            assert unfitted[one["quantity"]].why == one["why"]
            continue
        model = models[one["quantity"]]
        ends = Question(
            0.0, model.ranges.pods[1], model.ranges.churn_per_s[1], model.ranges.replicas[0]
        )
        full = replace(ends, reads_per_s=model.ranges.reads_per_s[1])
        units = [
            {
                **msgspec.structs.asdict(unit.estimate),
                **{key: getattr(unit, key) for key in ("arm", "title", "per", "freedom")},
                "by_round": unit.by_round,
            }
            for unit in model.units
        ]
        even = {reader: model.break_even(reader, ends) for reader in model.readers}
        assert_same(
            {key: one[key] for key in one if key not in ("rows", "saving", "condition")},
            {
                **{key: getattr(model, key) for key in ("quantity", "ranges", "start_from")},
                "goodness": model.goodness,
                "units": units,
                "break_even": {who: (e.rate, e.low, e.high) for who, e in even.items()},
                "cost": {arm: model.cost(arm, full) for arm in model.recipes},
            },
        )
        assert (len(model.rows), pytest.approx(one["condition"])) == (
            one["rows"],
            model.fit.condition,
        )


def test_replica_slopes_ledgers_and_precision_are_the_same(run):
    name, analysis = run
    was = before(name)
    found = [
        {
            "replicas": group.replicas,
            "arms": group.arms,
            "costs": [
                {key: getattr(cost, key) for key in ("metric", "arm", "means", "each", "points")}
                for cost in group.costs
            ],
        }
        for group in analysis.replicas
    ]
    told = ("replicas", "arms", "costs")
    assert_same([{key: group[key] for key in told} for group in was["replicas"]], found)
    assert_same(
        {one["trial"]: one for one in was["ledgers"]},
        {
            line.folder: {"trial": line.folder, **msgspec.to_builtins(line.ledgers)}
            for line in analysis.trials
            if line.ledgers is not None
        },
    )
    for one in was["arms"]:
        arm = analysis.scenario(one["scenario"]).arm(one["arm"])
        service = {str(p.q): (p.value_ms, p.at_least, p.samples, p.withheld) for p in arm.service}
        first = one["staleness"] and {
            key: one["staleness"][key] for key in ("first_reads", "first_stale")
        }
        assert_same([one["service"], first], [service, arm.freshness])
    stated = [
        {
            "scenario": one.scenario,
            "metric": one.comparison.metric,
            "baseline": one.comparison.baseline,
            "half_width": one.half_width,
        }
        for one in precisions(analysis.scenarios)
    ]
    assert_same(
        [was["precision"], was["rounds_to_buy"], was["shortfall"]],
        [stated, rounds_to_buy(analysis), shortfall(analysis)],
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, RunAnalysis]:
    folder = tmp_path_factory.mktemp("runs")
    return {name: analyse(RUNS[name](folder)) for name in ("golden", "reference")}


@pytest.mark.parametrize("case", before("gates"))
def test_gate_verdicts_are_the_same(measured, case):
    rules, run = case.split()
    verdict = judge(read_rules(rules), measured[run])
    assert_same(before("gates")[case], json.loads(verdict_json(verdict)))


@pytest.mark.parametrize("pair", before("compares"))
def test_the_comparison_of_two_runs_is_the_same(measured, pair):
    first, second = (measured[name] for name in pair.split())
    was, found = before("compares")[pair], side_by_side(first, second)
    rows = {(r.scenario, r.server, r.first.metric, r.first.per_1000): r for r in found.rows}
    for *place, finding, better, is_ratio, estimate in was["rows"]:
        row = rows[tuple(place)]
        assert_same(
            [finding, better, is_ratio, estimate],
            [row.finding, row.better, row.is_ratio, row.estimate],
        )
    assert was["unlike"] == [str(one) for one in unlike(first, second)]
    assert was["apart"] == list(found.apart)
