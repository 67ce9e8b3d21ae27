"""The tidy frame: one row a scenario, arm, metric, form and round. Everything pivots it.

Columns: ``scenario``, ``arm``, ``metric``, ``per_1000_reads`` (whether the value is per 1,000
answered reads), ``unit``, ``round``, ``value``. Values are above their floor: what the floor's
arm shows in the same round is subtracted. A row without a value is not there. The frame is
what ``data/rounds.csv`` holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analysis.result import RunAnalysis
from bench.analysis.trial_data import TrialData, per_1000_reads, value_of, withheld
from bench.metrics import METRICS
from bench.model import NO_SERVER

COLUMNS = ("scenario", "arm", "metric", "per_1000_reads", "unit", "round", "value")
KEY = ["metric", "per_1000_reads"]
Place = tuple[str, str]
"""Scenario and arm."""
Rounds = dict[int, tuple[float, float]]
"""By round: the values of two arms."""


def sides_of(rounds: Rounds) -> tuple[list[float], list[float]]:
    """Take two arms' values apart."""
    return [one for one, _ in rounds.values()], [other for _, other in rounds.values()]


@dataclass(frozen=True, slots=True)
class Frame:
    """The tidy frame of a run's trials."""

    rows: pd.DataFrame
    plain: Mapping[tuple[str, str, int], Mapping[str, float]]
    """(scenario, arm, round) -> metric -> value, nothing subtracted."""
    withheld: Mapping[tuple[str, str, str], str]
    """(scenario, arm, metric) -> why a round cannot carry the percentile. One such round
    withholds the arm's: without the rounds that went worst, what is left would be a choice."""

    def of(self, place: Place) -> pd.DataFrame:
        """Return the rows of one arm of one scenario."""
        scenario, arm = place
        rows = self.rows
        return rows[(rows["scenario"] == scenario) & (rows["arm"] == arm)]

    def pairs(self, subject: Place, baseline: Place) -> dict[tuple[str, bool], Rounds]:
        """Return, by metric and form, the rounds that both have."""
        own, base = (self.of(place)[[*KEY, "round", "value"]] for place in (subject, baseline))
        paired = own.merge(base, on=[*KEY, "round"]).sort_values("round", kind="stable")
        found: dict[tuple[str, bool], Rounds] = {}
        for metric, per_1000, number, one, other in paired.itertuples(index=False, name=None):
            found.setdefault((metric, per_1000), {})[number] = one, other
        return found


def frame_of(data: Sequence[TrialData]) -> Frame:
    """Evaluate every metric on the good trials ``data``."""
    trials = {(one.trial.scenario, one.trial.server, one.trial.round): one for one in data}
    plain: dict[tuple[str, str, int], dict[str, float]] = {}
    held: dict[tuple[str, str, str], str] = {}
    for place, one in trials.items():
        values = ((metric.key, value_of(metric, one)) for metric in METRICS)
        plain[place] = {key: value for key, value in values if value is not None}
        for metric in METRICS:
            reason = withheld(metric, one)
            if reason is not None:
                held.setdefault((*place[:2], metric.key), f"withheld: {reason}")
    rows = _above_floor(plain)
    places = zip(rows["scenario"], rows["arm"], rows["metric"], strict=True)
    rows = rows[np.array([place not in held for place in places], dtype=bool)]
    return Frame(pd.concat([rows, _per_read(rows, trials)])[list(COLUMNS)], plain, held)


def _above_floor(plain: Mapping[tuple[str, str, int], Mapping[str, float]]) -> pd.DataFrame:
    """Return the values less those of the floor's arm in the same round, where there is one.

    Without the idle baseline the whole process is shown; without the bare server there is
    no cache to speak of.
    """
    rows = pd.DataFrame(
        [(*place, key, value) for place, values in plain.items() for key, value in values.items()],
        columns=["scenario", "arm", "round", "metric", "value"],
    ).astype({"scenario": str, "arm": str, "metric": str, "value": float})
    rows["per_1000_reads"] = False
    rows["unit"] = rows["metric"].map({metric.key: metric.unit for metric in METRICS})
    rows["floor"] = rows["metric"].map({metric.key: metric.floor or "" for metric in METRICS})
    below = rows[["scenario", "round", "metric", "arm", "value"]]
    below = below.rename(columns={"arm": "floor", "value": "below"})
    rows = rows.merge(below, on=["scenario", "round", "metric", "floor"], how="left")
    measured = {place[:2] for place in plain}
    floors = zip(rows["scenario"], rows["floor"], strict=True)
    has_floor = np.array([place in measured for place in floors], dtype=bool)
    unfloored = (rows["floor"] == "") | (rows["arm"] == NO_SERVER)
    unfloored |= (rows["floor"] == NO_SERVER) & ~has_floor
    above = (rows["value"] - rows["below"]).where(rows["arm"] != rows["floor"])
    rows["value"] = rows["value"].where(unfloored, above)
    return rows.dropna(subset=["value"])


def _per_read(rows: pd.DataFrame, trials: Mapping[tuple[str, str, int], TrialData]) -> pd.DataFrame:
    """Return the rows of metrics that are stated per 1,000 answered reads, too."""
    costs = {metric.key: metric for metric in METRICS if metric.per_read}
    shares = rows[rows["metric"].isin(list(costs))].copy()
    places = zip(shares["scenario"], shares["arm"], shares["round"], strict=True)
    shares["value"] = [
        per_1000_reads(costs[metric], trials[place], value)
        for place, metric, value in zip(places, shares["metric"], shares["value"], strict=True)
    ]
    shares["per_1000_reads"] = True
    shares["unit"] = [costs[metric].unit_of(per_1000=True) for metric in shares["metric"]]
    return shares.dropna(subset=["value"])


def rounds_frame(analysis: RunAnalysis) -> pd.DataFrame:
    """Return the tidy frame of an analysis, as ``data/rounds.csv`` holds it."""
    rows = [
        (scenario.scenario.name, arm.server, one.metric, one.per_1000, one.unit, number, value)
        for scenario in analysis.scenarios
        for arm in scenario.arms
        for one in arm.figures
        for number, value in sorted(one.rounds.items())
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
