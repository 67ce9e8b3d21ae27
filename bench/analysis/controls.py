"""The same against the same: what this run finds where there is nothing to find.

A control (``direct-again``) is a server's second measurement in every round. One
metric is named beforehand, by the kind of scenario, and decides: the median
service time under a fixed rate, the throughput at full speed. The other
comparisons are shown and decide nothing: among forty of them one or two are
bound to look different at 95%.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.compare import Comparison, compare_in_all
from bench.analysis.intervals import (
    CONFIDENCE,
    LOOK_CONFIDENCE,
    Equivalence,
    Verdict,
    equivalence,
    log_ratios,
)
from bench.analysis.metrics import METRICS, Metric
from bench.analysis.summary import Arm
from bench.model import AGAIN, Scenario

OPEN_METRIC, CLOSED_METRIC = "service_p50", "throughput"
MARGIN = 0.10
"""Relative: a server that differs from itself by less is as good as equal. No difference between
servers that is smaller should be read from such a run."""


@dataclass(frozen=True, slots=True)
class Control:
    """A server measured twice in one scenario, and whether that showed a difference."""

    scenario: str
    server: str
    arm: Arm
    """The second measurement: its server is ``<server>-again``."""
    metric: Metric
    """Named beforehand; nothing else decides."""
    margin: float
    found: Equivalence | None
    """Of the logarithms of the paired ratios again / first; ``None``: no round has both."""
    comparisons: tuple[Comparison, ...]
    """In every metric, second measurement against first: shown, and decide nothing."""

    @property
    def verdict(self) -> Verdict:
        """Equivalent, different, or not decided by these rounds."""
        return self.found.verdict if self.found else Verdict.UNDECIDED

    @property
    def fired(self) -> bool:
        """Whether the same server differed from itself: the run's differences are then in doubt."""
        return self.verdict is Verdict.DIFFERENT

    @property
    def ratio(self) -> tuple[float, float | None, float | None] | None:
        """Second over first in the deciding metric, with its bounds at ``found.confidence``."""
        if self.found is None:
            return None
        one = self.found.interval
        low, high = (
            None if bound is None else float(np.exp(bound)) for bound in (one.low, one.high)
        )
        return float(np.exp(one.value)), low, high

    def comparison(self, key: str, *, per_1000: bool = False) -> Comparison | None:
        """Return the comparison in the metric ``key``, if there is one."""
        for one in self.comparisons:
            if (one.metric.key, one.per_1000) == (key, per_1000):
                return one
        return None


def decisive(scenario: Scenario) -> Metric:
    """Return the metric that decides in scenarios of this kind."""
    key = OPEN_METRIC if scenario.is_open else CLOSED_METRIC
    return next(metric for metric in METRICS if metric.key == key)


def controls_of(arms: Sequence[Arm], confidence: float = CONFIDENCE) -> list[Control]:
    """Return the controls among ``arms`` whose server has been measured too."""
    by_name = {arm.server: arm for arm in arms}
    pairs = [
        (by_name[arm.server.removesuffix(AGAIN)], arm)
        for arm in arms
        if arm.is_control and arm.server.removesuffix(AGAIN) in by_name
    ]
    return [_control(first, again, confidence) for first, again in pairs]


def _control(first: Arm, again: Arm, confidence: float) -> Control:
    metric = decisive(first.scenario)
    one, two = first.figures[metric.key].rounds, again.figures[metric.key].rounds
    shared = sorted(one.keys() & two.keys())
    logs = log_ratios([two[number] for number in shared], [one[number] for number in shared])
    # The margin as a factor: 1.10 times as much, or 1 / 1.10.
    margin = float(np.log1p(MARGIN))
    return Control(
        scenario=first.scenario.name,
        server=first.server,
        arm=again,
        metric=metric,
        margin=MARGIN,
        found=None if logs is None else equivalence(logs, margin, LOOK_CONFIDENCE),
        comparisons=tuple(compare_in_all(again, first, confidence)),
    )
