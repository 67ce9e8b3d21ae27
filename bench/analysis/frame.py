"""The tidy frame: one row a scenario, arm, metric, form and round. Everything pivots it.

Columns: ``scenario``, ``arm``, ``metric``, ``per_1000_reads`` (whether the value is per 1,000
answered reads), ``unit``, ``round``, ``value``. Values are above their floor: the value of the
floor's arm in the same round is subtracted. Per second means per second of the window, as are
the reads. Rows without a value are left out. ``data/rounds.csv`` holds the frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bench.analysis.result import RunAnalysis
from bench.analysis.trial_data import TrialData, per_1000_reads, per_window_s, value_of, withheld
from bench.metrics import METRICS, Metric
from bench.model import NO_SERVER
from bench.stats import Rounds, pair_rounds

COLUMNS = ("scenario", "arm", "metric", "per_1000_reads", "unit", "round", "value")
Place = tuple[str, str]
"""Scenario and arm."""
Trial = tuple[str, str, int]
"""Scenario, arm and round."""


@dataclass(frozen=True)
class Frame:
    """The tidy frame of a run's trials."""

    rows: pd.DataFrame
    plain: Mapping[Trial, Mapping[str, float]]
    """(scenario, arm, round) -> metric -> value, no floor subtracted; costs per s between marks."""
    withheld: Mapping[tuple[str, str, str], str]
    """(scenario, arm, metric) -> why a round cannot carry the percentile. One such round
    withholds the arm's: leaving out only the worst rounds would bias it."""

    def of(self, place: Place) -> dict[tuple[str, bool], dict[int, float]]:
        """Return, by metric and form, the value of each round of one arm of one scenario."""
        return self._places.get(place, {})

    @cached_property
    def _places(self) -> Mapping[Place, dict[tuple[str, bool], dict[int, float]]]:
        places: dict[Place, dict[tuple[str, bool], dict[int, float]]] = {}
        columns = (self.rows[name].tolist() for name in COLUMNS)
        for scenario, arm, metric, per_1000, _, number, value in zip(*columns, strict=True):
            figures = places.setdefault((scenario, arm), {})
            figures.setdefault((metric, per_1000), {})[number] = value
        return places

    def pairs(self, subject: Place, baseline: Place) -> dict[tuple[str, bool], Rounds]:
        """Return, by metric and form, the rounds that both have."""
        values, base = self.of(subject), self.of(baseline)
        paired = {key: pair_rounds(values[key], base[key]) for key in values if key in base}
        return {key: rounds for key, rounds in paired.items() if rounds}


def frame_of(data: Sequence[TrialData]) -> Frame:
    """Evaluate every metric on the good trials ``data``."""
    trials = {trial_data.trial.place: trial_data for trial_data in data}
    plain: dict[Trial, dict[str, float]] = {}
    reasons: dict[tuple[str, str, str], str] = {}
    for place, trial_data in trials.items():
        values = ((metric.key, value_of(metric, trial_data)) for metric in METRICS)
        plain[place] = {key: value for key, value in values if value is not None}
        for metric in METRICS:
            if (reason := withheld(metric, trial_data)) is not None:
                reasons.setdefault((*place[:2], metric.key), f"withheld: {reason}")
    arms = {place[:2] for place in trials}
    rows = []
    for per_1000 in (False, True):
        for (scenario, arm, number), trial_data in trials.items():
            for metric in METRICS:
                has_floor = (scenario, metric.floor) in arms
                value = _above_floor(plain, metric, (scenario, arm, number), has_floor=has_floor)
                if value is None or (scenario, arm, metric.key) in reasons:
                    continue
                value = per_window_s(metric, trial_data, value)
                if per_1000:
                    value = per_1000_reads(trial_data, value) if metric.per_read else None
                unit = metric.unit_of(per_1000=per_1000)
                rows.append((scenario, arm, metric.key, per_1000, unit, number, value))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": float})
    return Frame(table.dropna(subset=["value"]), plain, reasons)


def _above_floor(
    plain: Mapping[Trial, Mapping[str, float]], metric: Metric, place: Trial, *, has_floor: bool
) -> float | None:
    """Return the value less that of the floor's arm in the same round; ``None``: no such round.

    Without an idle baseline nothing is subtracted; without the bare server there is no value.
    """
    scenario, arm, number = place
    value = plain[place].get(metric.key)
    if value is None or metric.floor is None or arm == NO_SERVER:
        return value
    if metric.above_floor and not has_floor:
        return value
    below = plain.get((scenario, metric.floor, number), {}).get(metric.key)
    return None if below is None or arm == metric.floor else value - below


def rounds_frame(analysis: RunAnalysis) -> pd.DataFrame:
    """Return the tidy frame of an analysis, as ``data/rounds.csv`` holds it."""
    rows = [
        (
            scenario.scenario.name,
            arm.server,
            figure.metric,
            figure.per_1000,
            figure.unit,
            number,
            value,
        )
        for scenario in analysis.scenarios
        for arm in scenario.arms
        for figure in arm.figures
        for number, value in sorted(figure.rounds.items())
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
