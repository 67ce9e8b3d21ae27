"""Two runs side by side: their figures of the same arm and metric, and their environments.

Works on two summaries. Rounds of two runs have nothing in common: figures are compared by
Welch's two-sample t, never paired. Figures that cannot be compared are listed with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from bench.analysis.result import Arm, Figure, RunAnalysis, ScenarioAnalysis
from bench.model import NO_SERVER, Environment, Plan, Scenario
from bench.stats import CONFIDENCE, Estimate, unpaired_difference, unpaired_ratio

ASKED = tuple(key.name for key in fields(Scenario) if key.name not in ("name", "control"))
"""Fields of a scenario that must be equal for figures of two runs to be comparable."""
MEMORY_ALIKE = 0.05
"""Share by which memory may differ: kernels reserve different amounts on machines of one size."""
FIELDS = {
    "kubernetes": "Kubernetes",
    "etcd": "etcd",
    "binaries": "origin of the binaries",
    "cluster": "existing cluster",
    "python": "Python",
    "kernel": "kernel",
    "machine": "architecture",
    "processor": "processor",
    "processors": "processors",
}


class Finding(StrEnum):
    """The result of a comparison."""

    MORE = "more"
    LESS = "less"
    NOT_SHOWN = "no difference shown"
    NOT_KNOWN = "no interval"


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one arm in both runs; ``estimate`` is second over (or less) first."""

    scenario: str
    server: str
    first: Figure
    second: Figure
    estimate: Estimate | None
    is_ratio: bool

    @property
    def finding(self) -> Finding:
        """The side of "no difference" that the interval lies on, if on one."""
        bounds = self.estimate.bounds if self.estimate else None
        if bounds is None:
            return Finding.NOT_KNOWN
        same = 1.0 if self.is_ratio else 0.0
        if bounds[0] > same:
            return Finding.MORE
        return Finding.LESS if bounds[1] < same else Finding.NOT_SHOWN

    @property
    def better(self) -> bool | None:
        """Whether the difference is an improvement; ``None`` if no difference is shown."""
        if self.finding not in (Finding.MORE, Finding.LESS):
            return None
        return (self.finding is Finding.MORE) == self.first.higher_is_better


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The comparable figures of two runs, and the reasons why others cannot be compared."""

    rows: tuple[Row, ...]
    apart: tuple[str, ...]


def side_by_side(first: RunAnalysis, second: RunAnalysis) -> SideBySide:
    """Compare every arm and metric that both runs have, under the same question."""
    rows: list[Row] = []
    apart: list[str] = []
    for scenario in first.scenarios:
        name = scenario.scenario.name
        other = second.scenario(name)
        if other is None:
            apart.append(f"scenario {name} is in {first.run} only")
        elif asked := _unlike_question(first.plan, second.plan, name):
            apart.append(f"scenario {name} asks something else in each: {asked}")
        else:
            rows += _of_scenario(scenario, other)
            apart += _lacking(scenario, other, first.run, second.run)
    names = {scenario.scenario.name for scenario in first.scenarios}
    apart += [
        f"scenario {scenario.scenario.name} is in {second.run} only"
        for scenario in second.scenarios
        if scenario.scenario.name not in names
    ]
    return SideBySide(tuple(rows), tuple(apart))


def _unlike_question(first: Plan, second: Plan, name: str) -> str:
    """Return how the scenarios called ``name`` differ; empty if they do not."""
    here, there = first.scenario(name), second.scenario(name)
    pairs = [(key, getattr(here, key), getattr(there, key)) for key in ASKED]
    pairs.append(("objects", first.objects, second.objects))
    return ", ".join(
        f"{key} {_text(was)} and {_text(now)}" for key, was, now in pairs if was != now
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _of_scenario(scenario: ScenarioAnalysis, other: ScenarioAnalysis) -> Iterator[Row]:
    for arm in scenario.arms:
        partner = other.arm(arm.server)
        if partner is None:
            continue
        for figure in arm.figures:
            same = partner.figure(figure.metric, per_1000=figure.per_1000)
            if same is not None and figure.rounds and same.rounds:
                yield _row(scenario.scenario.name, arm.server, figure, same)


def _row(scenario: str, server: str, first: Figure, second: Figure) -> Row:
    values, others = list(second.rounds.values()), list(first.rounds.values())
    if first.may_be_zero:
        counts = second.counted, first.counted
        estimate = unpaired_difference(values, others, CONFIDENCE, counts)
    else:
        estimate = unpaired_ratio(values, others, CONFIDENCE)
    return Row(scenario, server, first, second, estimate, is_ratio=not first.may_be_zero)


def _lacking(
    scenario: ScenarioAnalysis, other: ScenarioAnalysis, first: str, second: str
) -> Iterator[str]:
    for side, opposite, name in ((scenario, other, first), (other, scenario, second)):
        for arm in side.arms:
            partner = opposite.arm(arm.server)
            where = f"{side.scenario.name}, {arm.server}"
            if partner is None:
                yield f"{where}: has good trials in {name} only"
            elif arm.server != NO_SERVER and (missing := _missing(arm, partner)):
                yield f"{where}: measured in {name} only: {', '.join(missing)}"


def _missing(arm: Arm, partner: Arm) -> list[str]:
    return [
        figure.metric
        for figure in arm.figures
        if figure.rounds
        and not figure.per_1000
        and not ((same := partner.figure(figure.metric)) and same.rounds)
    ]


def unlike(first: RunAnalysis, second: RunAnalysis) -> tuple[str, ...]:
    """Return the differences between the runs' environments that figures depend on.

    Ignores the commit, which may differ, and the load before the start, a caveat of each run.
    """
    sides = _sides(first, second)
    return tuple(f"{name}: {was} and {now}" for name, was, now in sides if was != now)


def _sides(first: RunAnalysis, second: RunAnalysis) -> Iterator[tuple[str, object, object]]:
    here, there = first.environment, second.environment
    for field, name in FIELDS.items():
        yield name, getattr(here, field), getattr(there, field)
    if abs(here.memory_bytes - there.memory_bytes) > MEMORY_ALIKE * here.memory_bytes:
        yield "memory", f"{here.memory_bytes / 1e9:.1f} GB", f"{there.memory_bytes / 1e9:.1f} GB"
    yield "load made by", first.load_workers, second.load_workers
    yield "processors of each part", str(first.plan.cpus), str(second.plan.cpus)
    for name in sorted(here.packages.keys() | there.packages.keys()):
        yield name, here.packages.get(name, "-"), there.packages.get(name, "-")
    yield "changed defaults", _more(here, there), _more(there, here)


def _more(environment: Environment, other: Environment) -> str:
    more = [item for item in environment.changed_defaults if item not in other.changed_defaults]
    return "; ".join(more) or "nothing more"
