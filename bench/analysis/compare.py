"""Arms compared pair by pair: what one round saw of both, never a mean of means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.analysis.intervals import Interval, at_least_times, mean_interval, ratio_interval
from bench.analysis.metrics import REQUESTS, Metric
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
    strongest that can.
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


def subject_of(arms: Sequence[Arm]) -> Arm | None:
    """Return the arm to compare the others with; ``None`` when there is no pair of servers."""
    servers = [arm for arm in arms if not arm.is_floor]
    if len(servers) < 2:
        return None
    named = [arm for arm in servers if arm.server == SUBJECT]
    return (named or servers)[-1]


def compare_all(arms: Sequence[Arm]) -> list[Comparison]:
    """Compare the subject with every other server, in every metric both have."""
    subject = subject_of(arms)
    if subject is None:
        return []
    found = []
    for baseline in arms:
        if baseline.is_floor or baseline.server == subject.server:
            continue
        for per_1000 in (False, True):
            figures = subject.per_1000 if per_1000 else subject.figures
            for key in figures:
                comparison = compare(subject, baseline, key, per_1000=per_1000)
                if comparison is not None:
                    found.append(comparison)
    return found


def compare(subject: Arm, baseline: Arm, key: str, *, per_1000: bool = False) -> Comparison | None:
    """Compare two arms in the metric ``key``; ``None`` when no round has both."""
    own = (subject.per_1000 if per_1000 else subject.figures)[key]
    other = (baseline.per_1000 if per_1000 else baseline.figures)[key]
    shared = sorted(own.rounds.keys() & other.rounds.keys())
    if not shared:
        return None
    pairs = {number: (own.rounds[number], other.rounds[number]) for number in shared}
    values = [pair[0] for pair in pairs.values()]
    bases = [pair[1] for pair in pairs.values()]
    ratio = None
    if not own.metric.may_be_zero or (_excludes_zero(values) and _excludes_zero(bases)):
        ratio = ratio_interval(values, bases)
    at_least = _at_least(subject, baseline) if own.metric is REQUESTS and per_1000 else None
    if ratio is not None:
        form = Form.RATIO
    else:
        form = Form.AT_LEAST if at_least is not None else Form.DIFFERENCE
    return Comparison(
        scenario=subject.scenario.name,
        metric=own.metric,
        per_1000=per_1000,
        subject=subject.server,
        baseline=baseline.server,
        form=form,
        ratio=ratio,
        difference=mean_interval([one - two for one, two in pairs.values()]),
        at_least=at_least,
        pairs=pairs,
    )


def _excludes_zero(values: Sequence[float]) -> bool:
    interval = mean_interval(values)
    if interval is None or min(values) <= 0:
        return False
    return interval.low is None or interval.low > 0


def _at_least(subject: Arm, baseline: Arm) -> float | None:
    """By how many times the baseline sends more requests for the same reads, at least."""
    if subject.reached is None or baseline.reached is None:
        return None
    factor = at_least_times(baseline.reached, baseline.reads, subject.reached, subject.reads)
    return factor if factor is not None and factor > 1 else None
