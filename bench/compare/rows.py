"""Two runs' figures of the same arm and metric, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bench.analysis.estimates import (
    Estimate,
    Events,
    of_unpaired_difference,
    of_unpaired_ratio,
)
from bench.forms.summary import ArmSummary, Figure, RunSummary, ScenarioSummary
from bench.model import NO_SERVER

CONFIDENCE = 0.95


class Finding(StrEnum):
    """What a row shows."""

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
        """Say whether the interval lies on one side of "no difference"."""
        one = self.estimate
        if one is None or one.low is None or one.high is None:
            return Finding.NOT_KNOWN
        same = 1.0 if self.is_ratio else 0.0
        if one.low > same:
            return Finding.MORE
        return Finding.LESS if one.high < same else Finding.NOT_SHOWN

    @property
    def better(self) -> bool | None:
        """Tell whether the difference is for the better; ``None`` where none is shown."""
        if self.finding not in (Finding.MORE, Finding.LESS):
            return None
        return (self.finding is Finding.MORE) == self.first.higher_is_better


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What two runs have in common, compared; and what cannot be, with the reason."""

    rows: tuple[Row, ...]
    apart: tuple[str, ...]


ASKED = ("route", "users", "rate_rps", "pods", "churn_per_s", "arrivals", "probe")
"""What must be alike for two runs' figures to be of one thing."""


def side_by_side(first: RunSummary, second: RunSummary) -> SideBySide:
    """Compare every arm and metric that both runs have, under the same question."""
    rows: list[Row] = []
    apart: list[str] = []
    for scenario in first.scenarios:
        name = scenario.scenario.name
        other = second.scenario(name)
        if other is None:
            apart.append(f"scenario {name} is in {first.run} only")
        elif asked := unlike_question(scenario, other):
            apart.append(f"scenario {name} asks something else in each: {asked}")
        else:
            rows += _of_scenario(scenario, other)
            apart += _lacking(scenario, other, first.run, second.run)
    names = {one.scenario.name for one in first.scenarios}
    apart += [
        f"scenario {one.scenario.name} is in {second.run} only"
        for one in second.scenarios
        if one.scenario.name not in names
    ]
    return SideBySide(tuple(rows), tuple(apart))


def unlike_question(one: ScenarioSummary, other: ScenarioSummary) -> str:
    """Say in what two scenarios of one name differ; nothing if they ask the same."""
    pairs = [(key, getattr(one.scenario, key), getattr(other.scenario, key)) for key in ASKED]
    return ", ".join(f"{key} {was} and {now}" for key, was, now in pairs if was != now)


def _of_scenario(one: ScenarioSummary, other: ScenarioSummary) -> Iterator[Row]:
    for arm in one.arms:
        partner = other.arm(arm.server)
        if partner is None:
            continue
        for figure in arm.figures:
            same = partner.figure(figure.metric, per_1000=figure.per_1000)
            if same is not None and figure.rounds and same.rounds:
                yield _row(one.scenario.name, arm.server, figure, same)


def _row(scenario: str, server: str, first: Figure, second: Figure) -> Row:
    values, others = list(second.rounds.values()), list(first.rounds.values())
    if first.may_be_zero:
        pair = (_events(second), _events(first))
        both = None if pair[0] is None or pair[1] is None else (pair[0], pair[1])
        estimate = of_unpaired_difference(values, others, CONFIDENCE, both)
    else:
        estimate = of_unpaired_ratio(values, others, CONFIDENCE)
    return Row(scenario, server, first, second, estimate, is_ratio=not first.may_be_zero)


def _events(figure: Figure) -> Events | None:
    if figure.events is None or not figure.exposure:
        return None
    return Events(figure.events, figure.exposure)


def _lacking(
    one: ScenarioSummary, other: ScenarioSummary, first: str, second: str
) -> Iterator[str]:
    for own, others, name in ((one, other, first), (other, one, second)):
        for arm in own.arms:
            partner = others.arm(arm.server)
            where = f"{own.scenario.name}, {arm.server}"
            if partner is None:
                yield f"{where}: has good trials in {name} only"
            elif arm.server != NO_SERVER and (missing := _missing(arm, partner)):
                yield f"{where}: measured in {name} only: {', '.join(missing)}"


def _missing(arm: ArmSummary, partner: ArmSummary) -> list[str]:
    return [
        figure.metric
        for figure in arm.figures
        if figure.rounds
        and not figure.per_1000
        and not ((same := partner.figure(figure.metric, per_1000=False)) and same.rounds)
    ]
