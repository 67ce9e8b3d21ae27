"""Runs whose figures are pinned: two measured runs, and one made up for each kind of comparison.

The made-up runs are the same at every call: their seeds are fixed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

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
