"""Differences as a share of the baseline: one axis on which unlike metrics can stand together.

-100% is nothing left of it, 0 no difference, +100% twice as much. Where a ratio
can be stated it is the geometric mean of the rounds' ratios less 1; where a
quantity may be zero it is the mean paired difference over the baseline's mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bench.analysis.compare import Comparison
from bench.analysis.intervals import Interval
from bench.analysis.run import ScenarioAnalysis
from bench.report.numbers import MINUS, NO_BREAK, share

SAME_WITHIN = 0.1
"""Practical equality: within a tenth of the baseline nobody would change a design for it."""


class Direction(Enum):
    """What the rounds say about a difference, by its interval against the band of equality."""

    LESS = "less"
    MORE = "more"
    SAME = "practically the same"
    UNCLEAR = "not shown"


@dataclass(frozen=True, slots=True)
class Aspect:
    """What is compared, in which kind of load; less of every one of them is better."""

    key: str
    title: str
    per_1000: bool = False
    when_open: bool = True
    when_closed: bool = False
    inverse: bool = False
    """Of a quantity of which more is better: the time for one, instead of how many in a time."""


ASPECTS = (
    Aspect("api_requests", "requests to the API server", per_1000=True, when_closed=True),
    Aspect("control_plane_cpu", "control-plane CPU"),
    Aspect("apiserver_cpu", "API-server CPU"),
    Aspect("etcd_cpu", "etcd CPU"),
    Aspect("api_bytes", "bytes the API server sent"),
    Aspect("etcd_requests", "requests to etcd"),
    Aspect("p50", "median latency"),
    Aspect("p99", "p99 latency"),
    Aspect(
        "throughput",
        "time for a read at full speed",
        when_open=False,
        when_closed=True,
        inverse=True,
    ),
    Aspect("bystander_p99", "another client's p99"),
    Aspect("staleness_p99", "staleness, p99"),
    Aspect("server_cpu", "server's own CPU", per_1000=True),
    Aspect("memory_end", "server's memory"),
    Aspect("ready", "start to ready"),
    Aspect("ready_bytes", "bytes read until ready"),
)


@dataclass(frozen=True, slots=True)
class Relative:
    """One difference, subject less baseline, as shares of the baseline."""

    aspect: Aspect
    scenario: str
    subject: str
    baseline: str
    rounds: Mapping[int, float]
    value: float
    low: float | None
    high: float | None

    @property
    def direction(self) -> Direction:
        """What can be said: without an interval, nothing."""
        if self.low is None or self.high is None:
            return Direction.UNCLEAR
        if self.low >= -SAME_WITHIN and self.high <= SAME_WITHIN:
            return Direction.SAME
        if self.high < 0:
            return Direction.LESS
        return Direction.MORE if self.low > 0 else Direction.UNCLEAR

    @property
    def words(self) -> str:
        """The share and its interval, signed: ``-98% [-99 to -97]``."""
        shown = f"{signed(self.value)}%"
        if self.low is None or self.high is None:
            return shown
        low, high = signed(self.low), signed(self.high)
        within = low if low == high else f"{low}{NO_BREAK}to{NO_BREAK}{high}"
        return shown if within == signed(self.value) else f"{shown}{NO_BREAK}[{within}]"


def signed(value: float) -> str:
    """Show a share in per cent without its sign of per cent, plus or minus before it."""
    shown = share(abs(value))
    if shown == "0":
        return shown
    return f"{MINUS if value < 0 else '+'}{shown}"


def bracketed_share(line: Relative) -> str:
    """Write a difference's interval without signs, the nearer end first: `` [97 to 99]``."""
    if line.low is None or line.high is None:
        return ""
    ends = sorted((abs(line.low), abs(line.high)))
    low, high = (share(min(end, 1.0) if line.value < 0 else end) for end in ends)
    if low == high == share(line.value):
        return ""
    return f" [{low}{NO_BREAK}to{NO_BREAK}{high}]"


def relatives(scenario: ScenarioAnalysis, baseline: str) -> list[Relative]:
    """Return what ``scenario`` says of its subject against ``baseline``, in the page's order."""
    found = []
    for aspect in ASPECTS:
        wanted = aspect.when_open if scenario.scenario.is_open else aspect.when_closed
        one = scenario.comparison(aspect.key, baseline, per_1000=aspect.per_1000)
        if wanted and one is not None:
            made = relative(one, aspect)
            if made is not None:
                found.append(made)
    return without_parts(found)


def without_parts(found: Sequence[Relative]) -> list[Relative]:
    """Leave out the parts of a sum that is there itself."""
    whole = any(one.aspect.key == "control_plane_cpu" for one in found)
    parts = ("apiserver_cpu", "etcd_cpu") if whole else ()
    return [one for one in found if one.aspect.key not in parts]


def relative(comparison: Comparison, aspect: Aspect) -> Relative | None:
    """State ``comparison`` as shares; ``None`` where the baseline shows nothing to share."""
    pairs = comparison.pairs
    if comparison.ratio is not None:
        ratio = comparison.ratio
        if aspect.inverse:
            ratio = _inverted(ratio)
            rounds = {number: base / own - 1 for number, (own, base) in pairs.items()}
        else:
            rounds = {number: own / base - 1 for number, (own, base) in pairs.items()}
        low, high = (None if bound is None else bound - 1 for bound in (ratio.low, ratio.high))
        return _of(comparison, aspect, rounds, ratio.value - 1, low, high)
    mean = sum(base for _, base in pairs.values()) / len(pairs)
    difference = comparison.difference
    if aspect.inverse or mean <= 0 or difference is None:
        return None
    rounds = {number: (own - base) / mean for number, (own, base) in pairs.items()}
    low, high = (
        None if bound is None else bound / mean for bound in (difference.low, difference.high)
    )
    if comparison.at_least is not None and not any(own for own, _ in pairs.values()):
        # Zeros have no spread; how many there may be is known from the exact bound.
        low, high = -1.0, 1 / comparison.at_least - 1
    return _of(comparison, aspect, rounds, difference.value / mean, low, high)


def _of(
    comparison: Comparison,
    aspect: Aspect,
    rounds: Mapping[int, float],
    value: float,
    low: float | None,
    high: float | None,
) -> Relative:
    return Relative(
        aspect,
        comparison.scenario,
        comparison.subject,
        comparison.baseline,
        rounds,
        value,
        low,
        high,
    )


def _inverted(ratio: Interval) -> Interval:
    low, high = (None if bound is None else 1 / bound for bound in (ratio.high, ratio.low))
    return Interval(1 / ratio.value, low, high, ratio.rounds)
