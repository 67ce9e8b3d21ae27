"""Pin the figures of seven runs, field by field, to those before the last rewrite of the analysis.

``before/`` holds every value of their summaries, comparisons, controls, cost models, replica
slopes and ledgers, the verdicts of the gate and the comparison of two runs. Fields may be added.
A change that alters a value also changes its entry in ``before/``. Changed since, and nothing else:

- cost models (``units``, ``goodness``, ``break_even``, ``cost``, ``condition``): weighting rows by
  their own floor had billed a row's error to events (0.32 ms estimated, 0.25 ms true);
- bounds of ``times`` in ``read_paths`` where the subject may be 0: they are Fieller's now. A
  difference over the baseline's mean made them 3.6 times too wide;
- server costs per second, and all that follows from them: a second is one of the window in which
  reads are counted, no longer one between the marks, which are up to 7% further apart;
- removed: verdicts against another run, with their rules, and the percentiles of an arm without
  load, which were withheld because the arm has no request.
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
"""Keys that identify the members of a list, where they have them; their order is not compared."""
ROUNDING = 1e-7
"""Absolute tolerance of rounding, of bytes per second too; it differs between processors."""
TEXTS = {"title", "source"}
"""Texts of the metric registry: not figures."""


def pinned_values(name: str) -> Any:
    return json.loads(gzip.decompress((BEFORE / f"{name}.json.gz").read_bytes()))


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory) -> tuple[str, RunAnalysis]:
    return request.param, analyse(RUNS[request.param](tmp_path_factory.mktemp("runs")))


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each leaf; a list member is named by its identifying keys."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat(part, f"{path}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from flat(part, f"{path}[{_name(part, index)}]")
    else:
        yield path, value


def _name(part: Any, index: int) -> str:
    if not isinstance(part, Mapping):
        return str(index)
    values = [part[key] for key in NAMES if part.get(key) is not None]
    names = [value["name"] if isinstance(value, Mapping) else value for value in values]
    names += [part[key] for key in ("round", "replica") if isinstance(part.get(key), int)]
    return "/".join(map(str, names)) or str(index)


def same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, float) and isinstance(actual, int | float):
        return math.isclose(expected, actual, rel_tol=1e-8, abs_tol=ROUNDING)
    return bool(expected == actual)


def assert_same(expected: Any, actual: Any) -> None:
    """Assert that ``actual`` has every leaf of ``expected``; it may have more."""
    leaves = dict(flat(msgspec.json.decode(msgspec.json.encode(actual))))
    missing = object()
    differing = {
        path: (value, leaves.get(path, "missing"))
        for path, value in flat(expected)
        if path.rsplit(".", 1)[-1] not in TEXTS and not same(value, leaves.get(path, missing))
    }
    assert {} == differing


def test_the_summary_holds_the_same_values(run):
    name, analysis = run
    expected = pinned_values(name)["summary"]
    if name == "troubled":  # more kinds void a run since the gate and the page share one set
        expected["void"] = [text for text in expected["caveats"] if text in void_texts(analysis)]
    assert_same(expected, analysis)


def void_texts(analysis: RunAnalysis) -> list[Any]:
    return list(msgspec.json.decode(msgspec.json.encode(analysis.void)))


def test_comparisons_and_controls_are_the_same(run):
    name, analysis = run
    pinned = pinned_values(name)
    for row in pinned["comparisons"]:
        scenario = analysis.scenario(row["scenario"])
        comparison = scenario.comparison(row["metric"], row["baseline"], per_1000=row["per_1000"])
        pairs = {str(number): list(pair) for number, pair in scenario.pairs(comparison).items()}
        check = None if comparison.check is None else list(comparison.check)
        keys = ("detectable", "outlying", "upheld")
        assert_same(
            [row[key] for key in ("pairs", *keys, "spread")],
            [pairs, *(getattr(comparison, key) for key in keys), comparison.variation],
        )
        assert_same(row["check"][1:] if check and row["check"] else None, check)
    for row in pinned["controls"]:
        (control,) = (
            control
            for scenario, control in analysis.controls
            if (scenario, control.arm) == (row["scenario"], row["arm"])
        )
        comparisons = {f"{c.metric}/{c.per_1000}": c for c in control.comparisons}
        keys = ("server", "metric", "verdict", "margin", "ratio")
        assert_same([row[key] for key in keys], [getattr(control, key) for key in keys])
        assert_same(row["ratios"], {key: c.ratio for key, c in comparisons.items()})
        assert_same(row["differences"], {key: c.difference for key, c in comparisons.items()})


def test_unit_costs_and_break_even_rates_are_the_same(run):
    name, analysis = run
    models = {model.quantity: model for model in analysis.cost_models}
    unfitted = {model.quantity: model for model in analysis.unfitted}
    for row in pinned_values(name)["cost_models"]:
        if "why" in row:
            assert unfitted[row["quantity"]].why == row["why"]
            continue
        model = models[row["quantity"]]
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
        break_evens = {reader: model.break_even(reader, ends) for reader in model.readers}
        assert_same(
            {key: row[key] for key in row if key not in ("rows", "saving", "condition")},
            {
                **{key: getattr(model, key) for key in ("quantity", "ranges", "start_from")},
                "goodness": model.goodness,
                "units": units,
                "break_even": {arm: (e.rate, e.low, e.high) for arm, e in break_evens.items()},
                "cost": {arm: model.cost(arm, full) for arm in model.recipes},
            },
        )
        assert (len(model.rows), pytest.approx(row["condition"])) == (
            row["rows"],
            model.fit.condition,
        )


def test_replica_slopes_ledgers_and_precision_are_the_same(run):
    name, analysis = run
    pinned = pinned_values(name)
    groups = [
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
    keys = ("replicas", "arms", "costs")
    assert_same([{key: group[key] for key in keys} for group in pinned["replicas"]], groups)
    assert_same(
        {row["trial"]: row for row in pinned["ledgers"]},
        {
            trial.folder: {"trial": trial.folder, **msgspec.to_builtins(trial.ledgers)}
            for trial in analysis.trials
            if trial.ledgers is not None
        },
    )
    for row in pinned["arms"]:
        arm = analysis.scenario(row["scenario"]).arm(row["arm"])
        service = {str(p.q): (p.value_ms, p.at_least, p.samples, p.withheld) for p in arm.service}
        first_reads = row["staleness"] and {
            key: row["staleness"][key] for key in ("first_reads", "first_stale")
        }
        assert_same([row["service"], first_reads], [service, arm.freshness])
    precision = [
        {
            "scenario": row.scenario,
            "metric": row.comparison.metric,
            "baseline": row.comparison.baseline,
            "half_width": row.half_width,
        }
        for row in precisions(analysis.scenarios)
    ]
    assert_same(
        [pinned["precision"], pinned["rounds_to_buy"], pinned["shortfall"]],
        [precision, rounds_to_buy(analysis), shortfall(analysis)],
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, RunAnalysis]:
    folder = tmp_path_factory.mktemp("runs")
    return {name: analyse(RUNS[name](folder)) for name in ("golden", "reference")}


@pytest.mark.parametrize("case", pinned_values("gates"))
def test_gate_verdicts_are_the_same(measured, case):
    rules, run = case.split()
    verdict = judge(read_rules(rules), measured[run])
    assert_same(pinned_values("gates")[case], json.loads(verdict_json(verdict)))


@pytest.mark.parametrize("pair", pinned_values("compares"))
def test_the_comparison_of_two_runs_is_the_same(measured, pair):
    first, second = (measured[name] for name in pair.split())
    pinned, actual = pinned_values("compares")[pair], side_by_side(first, second)
    rows = {(r.scenario, r.server, r.first.metric, r.first.per_1000): r for r in actual.rows}
    for *key, finding, better, is_ratio, estimate in pinned["rows"]:
        row = rows[tuple(key)]
        assert_same(
            [finding, better, is_ratio, estimate],
            [row.finding, row.better, row.is_ratio, row.estimate],
        )
    assert pinned["unlike"] == list(map(str, unlike(first, second)))
    assert pinned["apart"] == list(actual.apart)
