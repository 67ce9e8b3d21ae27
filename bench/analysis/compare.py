"""Arms compared pair by pair: what one round saw of both, never a mean of means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.analysis.intervals import (
    CONFIDENCE,
    Interval,
    at_least_times,
    bootstrap_t_ratio,
    log_ratios,
    mean_interval,
    ratio_interval,
)
from bench.analysis.metrics import REQUESTS, Metric
from bench.analysis.spread import detectable, outlying, variation
from bench.analysis.summary import Arm

SUBJECT = "informer"
"""The arm that the others are compared with, where the run has it; else the last server."""


class Form(StrEnum):
    """How a comparison can be stated."""

    RATIO = "ratio"
    AT_LEAST = "at least"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``subject`` against ``baseline`` in one metric, paired by round.

    ``ratio`` is subject / baseline (geometric mean). ``difference`` is subject -
    baseline in the metric's unit. ``at_least`` is by how many times the baseline's
    count is at least larger. What cannot be stated is ``None``; ``form`` names the
    strongest that can. Every interval is of ``confidence``.
    """

    scenario: str
    metric: Metric
    per_1000: bool
    subject: str
    baseline: str
    form: Form
    ratio: Interval | None
    difference: Interval | None
    at_least: float | None
    pairs: Mapping[int, tuple[float, float]]
    """Round -> (subject, baseline)."""
    confidence: float = CONFIDENCE
    check: Interval | None = None
    """The same ratio with a bootstrap-t interval: what assumes less should say much the same."""
    detectable: float | None = None
    """The smallest change that rounds like these would show in four of five runs: relative
    (0.05 is 5%) where there is a ratio, else in the metric's unit."""
    spread: float | None = None
    """Coefficient of variation of the paired ratio over rounds."""
    outlying: tuple[int, ...] = ()
    """Rounds that stand apart from the others. They are in every figure all the same."""

    @property
    def disagreement(self) -> float | None:
        """How far the bootstrap-t bounds are from Student's, as a share of Student's half width.

        Measured on the logarithms, the farther of the two ends; ``None`` without both.
        """
        one, two = self.ratio, self.check
        if one is None or two is None or one.low is None or one.high is None:
            return None
        if two.low is None or two.high is None or one.low == one.high:
            return None
        half = np.log(one.high / one.low) / 2
        ends = (np.log(two.low / one.low), np.log(two.high / one.high))
        return float(np.max(np.abs(ends)) / half)

    @property
    def upheld(self) -> bool | None:
        """Whether Student's t and the bootstrap-t agree that there is a difference, or none."""
        one = self.ratio.holds(1.0) if self.ratio else None
        two = self.check.holds(1.0) if self.check else None
        return None if one is None or two is None else one == two


def subject_of(arms: Sequence[Arm]) -> Arm | None:
    """Return the arm to compare the others with; ``None`` when there is no pair of servers."""
    servers = [arm for arm in arms if arm.is_contender]
    if len(servers) < 2:
        return None
    named = [arm for arm in servers if arm.server == SUBJECT]
    return (named or servers)[-1]


def compare_all(arms: Sequence[Arm], confidence: float = CONFIDENCE) -> list[Comparison]:
    """Compare the subject with every other server, in every metric both have."""
    subject = subject_of(arms)
    if subject is None:
        return []
    return [
        comparison
        for baseline in arms
        if baseline.is_contender and baseline.server != subject.server
        for comparison in compare_in_all(subject, baseline, confidence)
    ]


def compare_in_all(subject: Arm, baseline: Arm, confidence: float = CONFIDENCE) -> list[Comparison]:
    """Compare two arms in every metric both have, and in those per 1,000 reads."""
    keys = [(key, False) for key in subject.figures] + [(key, True) for key in subject.per_1000]
    found = (
        compare(subject, baseline, key, per_1000=per_1000, confidence=confidence)
        for key, per_1000 in keys
    )
    return [one for one in found if one is not None]


def compare(
    subject: Arm,
    baseline: Arm,
    key: str,
    *,
    per_1000: bool = False,
    confidence: float = CONFIDENCE,
) -> Comparison | None:
    """Compare two arms in the metric ``key``; ``None`` when no round has both."""
    own = (subject.per_1000 if per_1000 else subject.figures)[key]
    other = (baseline.per_1000 if per_1000 else baseline.figures)[key]
    shared = sorted(own.rounds.keys() & other.rounds.keys())
    if not shared:
        return None
    pairs = {number: (own.rounds[number], other.rounds[number]) for number in shared}
    values = [pair[0] for pair in pairs.values()]
    bases = [pair[1] for pair in pairs.values()]
    differences = [one - two for one, two in pairs.values()]
    as_ratio = not own.metric.may_be_zero or (
        _excludes_zero(values, confidence) and _excludes_zero(bases, confidence)
    )
    ratio = ratio_interval(values, bases, confidence) if as_ratio else None
    logs = log_ratios(values, bases) if ratio is not None else None
    at_least = None
    if own.metric is REQUESTS and per_1000:
        at_least = _at_least(subject, baseline, confidence)
    smallest = detectable(differences if logs is None else logs, confidence)
    return Comparison(
        scenario=subject.scenario.name,
        metric=own.metric,
        per_1000=per_1000,
        subject=subject.server,
        baseline=baseline.server,
        form=_form(ratio, at_least),
        ratio=ratio,
        difference=mean_interval(differences, confidence),
        at_least=at_least,
        pairs=pairs,
        confidence=confidence,
        check=None if ratio is None else bootstrap_t_ratio(values, bases, confidence),
        detectable=smallest if smallest is None or logs is None else float(np.expm1(smallest)),
        spread=None if logs is None else variation([float(np.exp(log)) for log in logs]),
        outlying=outlying(dict(zip(shared, differences if logs is None else logs, strict=True))),
    )


def _form(ratio: Interval | None, at_least: float | None) -> Form:
    if ratio is not None:
        return Form.RATIO
    return Form.AT_LEAST if at_least is not None else Form.DIFFERENCE


def _excludes_zero(values: Sequence[float], confidence: float) -> bool:
    interval = mean_interval(values, confidence)
    if interval is None or min(values) <= 0:
        return False
    return interval.low is None or interval.low > 0


def _at_least(subject: Arm, baseline: Arm, confidence: float) -> float | None:
    """By how many times the baseline sends more requests for the same reads, at least."""
    if subject.reached is None or baseline.reached is None:
        return None
    factor = at_least_times(
        baseline.reached, baseline.reads, subject.reached, subject.reads, confidence
    )
    return factor if factor is not None and factor > 1 else None
