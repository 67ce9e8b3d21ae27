"""Runs whose figures are pinned: two measured runs, and one made up for each kind of comparison.

The made-up runs are the same at every call: their seeds are fixed. ``before/`` holds the figures
of each, as ``python -m tests.golden.before_runs`` writes them from the code of its checkout.
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from bench.analysis import RunAnalysis, analyse
from bench.analysis.comparisons import precisions, rounds_to_buy, shortfall
from bench.analysis.cost_model import CostModel, Question
from bench.gate.compare import side_by_side, unlike
from bench.gate.documents import verdict_json
from bench.gate.judge import judge
from bench.gate.rules import read_rules
from bench.model import FaultRecord, RunState
from bench.store import RunReader, Store
from tests.unit.analysis.sweeps import write_sweep
from tests.unit.analysis.synthetic import SCENARIO, Arm, write_run
from tests.unit.analysis.test_versions import write_versions

TOP = Path(__file__).parents[2]
FULL = replace(SCENARIO, name="capacity", rate_rps=None)
UNWATCHED = replace(SCENARIO, name="unwatched", probe=False)
FAULT = FaultRecord("freeze", "the API server was frozen", 3.0, 5.0)
FAULTY = replace(SCENARIO, name="frozen", fault="freeze", fault_at_s=3.0)


def _golden(_: Path) -> RunReader:
    return Store(TOP / "tests" / "golden").open("run")


def _reference(_: Path) -> RunReader:
    return Store(TOP / "results").open("reference")


def _read_paths(folder: Path) -> RunReader:
    arms = {"ttl": Arm(0.2, 5.0, 60.0, bytes_per_read=80_000, stale_ms=900.0)}
    servers, scenarios = ("direct", "ttl", "informer", "none"), (FULL, SCENARIO, UNWATCHED)
    return write_run(Store(folder), servers=servers, scenarios=scenarios, arms=arms)


def _versions(folder: Path) -> RunReader:
    versions = ("1.37.2", "1.33.13", "1.9.10")
    scenarios = (
        replace(SCENARIO, name=f"on-{version}", kubernetes=version) for version in versions
    )
    return write_versions(Store(folder), tuple(scenarios))


def _faults(folder: Path) -> RunReader:
    return write_run(
        Store(folder),
        scenarios=(FAULTY, SCENARIO),
        fault=FAULT,
        unanswered={"direct": {"failed": 7, "dropped": 3}},
        upstream={"direct": 1.5},
    )


def _troubled(folder: Path) -> RunReader:
    """Write a run with unequal ledgers, stale answers, a fired control and unlike servers."""
    return write_run(
        Store(folder),
        equality=False,
        control="direct",
        again=1.5,
        rounds=4,
        state=RunState.INCOMPLETE,
        skip=[("informer", 2)],
        upstream={"direct": 1.5},
        unanswered={"informer": {"timeout": 30}},
        stale={"direct": 2},
    )


def _sweep(folder: Path) -> RunReader:
    cells = [("p100", 100, 20.0, 12.0), ("p400", 400, 40.0, 5.0), ("p1000", 1000, 0.0, 8.0)]
    return write_sweep(Store(folder), cells=cells, replicas=(1, 3))


RUNS: Mapping[str, Callable[[Path], RunReader]] = {
    "golden": _golden,
    "reference": _reference,
    "read-paths": _read_paths,
    "versions": _versions,
    "faults": _faults,
    "troubled": _troubled,
    "sweep": _sweep,
}


def _cost_model(model: CostModel) -> dict[str, Any]:
    ranges = model.ranges
    ends = Question(0.0, ranges.pods[1], ranges.churn_per_s[1], ranges.replicas[0])
    full = replace(ends, reads_per_s=ranges.reads_per_s[1])
    return {
        "rows": len(model.rows),
        "condition": model.fit.condition,
        "by_round": [unit.by_round for unit in model.units],
        "break_even": {reader: model.break_even(reader, ends) for reader in model.readers},
        "cost": {arm: model.cost(arm, full) for arm in model.recipes},
    }


def figures_of(analysis: RunAnalysis) -> dict[str, Any]:
    """Return every figure of a run: its summary, and what is computed from it when asked for."""
    return {
        "summary": analysis,
        "comparisons": [
            {
                **{key: getattr(c, key) for key in ("metric", "baseline", "per_1000")},
                **{key: getattr(c, key) for key in ("check", "detectable", "outlying", "upheld")},
                "scenario": scenario.scenario.name,
                "pairs": scenario.pairs(c),
                "variation": c.variation,
            }
            for scenario in analysis.scenarios
            for c in scenario.comparisons
        ],
        "controls": [
            {"scenario": scenario, **{key: getattr(c, key) for key in ("arm", "verdict", "margin")}}
            for scenario, c in analysis.controls
        ],
        "ledgers": {trial.folder: trial.ledgers for trial in analysis.trials if trial.ledgers},
        "arms": [
            {"scenario": scenario.scenario.name, "arm": arm.server, "service": arm.service}
            for scenario in analysis.scenarios
            for arm in scenario.arms
        ],
        "replicas": analysis.replicas,
        "cost_models": {model.quantity: _cost_model(model) for model in analysis.cost_models},
        "precision": [
            {
                "scenario": p.scenario,
                **{key: getattr(p.comparison, key) for key in ("metric", "baseline")},
                "half_width": p.half_width,
            }
            for p in precisions(analysis.scenarios)
        ],
        "rounds_to_buy": rounds_to_buy(analysis),
        "shortfall": shortfall(analysis),
    }


def _compared(first: RunAnalysis, second: RunAnalysis) -> dict[str, Any]:
    rows, metrics = side_by_side(first, second), ("finding", "better", "is_ratio", "estimate")
    return {
        "rows": {
            f"{r.scenario}/{r.server}/{r.first.metric}/{r.first.per_1000}": [
                getattr(r, key) for key in metrics
            ]
            for r in rows.rows
        },
        "unlike": list(map(str, unlike(first, second))),
        "apart": rows.apart,
    }


def pins(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the name and the figures of each run, then of verdicts and comparisons of runs."""
    runs = {name: analyse(make(folder / name)) for name, make in RUNS.items()}
    for name, analysis in runs.items():
        yield name, figures_of(analysis)
    measured = {name: runs[name] for name in ("golden", "reference")}
    for name, analysis in measured.items():
        yield f"gate-{name}", json.loads(verdict_json(judge(read_rules("ci"), analysis)))
        for other, compared in measured.items():
            yield f"compare-{name}-{other}", _compared(analysis, compared)


def as_json(figures: Any) -> Any:
    """Return ``figures`` as JSON has them."""
    return msgspec.json.decode(msgspec.json.encode(figures))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for pinned, figures in pins(Path(made)):
            file = Path(__file__).with_name("before") / f"{pinned}.json.gz"
            text = json.dumps(as_json(figures), sort_keys=True, separators=(",", ":"))
            file.write_bytes(gzip.compress(text.encode(), mtime=0))
