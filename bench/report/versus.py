"""The subject against each other server, a line a metric, each factor with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.compare import Comparison
from bench.analysis.intervals import INDICATIVE_BELOW, Interval
from bench.analysis.run import ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.report.numbers import MISSING, NO_BREAK, number, scale_for, times, times_at_least


@dataclass(frozen=True, slots=True)
class Line:
    """What is compared: the metric, and how more and less of it are said."""

    title: str
    key: str
    more: str
    less: str
    per_1000: bool = False
    only_open: bool = False
    only_closed: bool = False


LINES = (
    Line("median latency", "p50", "times longer", "times shorter"),
    Line("p99 latency", "p99", "times longer", "times shorter"),
    Line("reads answered", "throughput", "times as many", "times fewer", only_closed=True),
    Line("API-server CPU", "apiserver_cpu", "times as much", "times less", only_open=True),
    Line("etcd CPU", "etcd_cpu", "times as much", "times less", only_open=True),
    Line("bytes the API server sent", "api_bytes", "times as many", "times fewer", only_open=True),
    Line("requests to etcd", "etcd_requests", "times as many", "times fewer", only_open=True),
    Line("server CPU for the same reads", "server_cpu", "times as much", "times less", True),
    Line("server memory", "memory_end", "times as much", "times less"),
    Line("start to ready", "ready", "times longer", "times shorter"),
)
WORDS = {line.key: (line.more, line.less) for line in LINES}


@dataclass(frozen=True, slots=True)
class Versus:
    """A table of words: a row a metric, a column a baseline."""

    subject: str
    baselines: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    caption: str


def versus(scenario: ScenarioAnalysis, subject: Arm, baselines: Sequence[Arm]) -> Versus | None:
    """Return the table, without the metrics no baseline can be compared in; ``None`` if empty."""
    rows = [
        (
            "requests to the API server for 1,000 reads",
            tuple(_requests(scenario, subject, baseline) for baseline in baselines),
        )
    ]
    for line in LINES:
        skip = line.only_closed if scenario.scenario.is_open else line.only_open
        if not skip:
            cells = tuple(_cell(scenario, line, baseline) for baseline in baselines)
            rows.append((line.title, cells))
    kept = tuple(row for row in rows if any(cell != MISSING for cell in row[1]))
    if not kept:
        return None
    names = tuple(baseline.server for baseline in baselines)
    return Versus(subject.server, names, kept, _caption(len(subject.facts)))


def requests_factor(comparison: Comparison | None, subject: Arm, baseline: Arm) -> str:
    """Say by how many times fewer (or more) requests the subject sends for the same reads."""
    if comparison is None:
        return ""
    if comparison.at_least is not None and comparison.ratio is None:
        return f"at least {times_at_least(comparison.at_least)} times fewer (95%)"
    if comparison.ratio is not None:
        return in_words(comparison.ratio, "times as many", "times fewer")
    if subject.reached == baseline.reached == 0:
        return "none by either"
    return "too few to state a factor"


def in_words(ratio: Interval, more: str, less: str) -> str:
    """Say a ratio as a factor above 1: ``20 times as many [19 to 21]``.

    Where the interval holds 1 no direction is claimed.
    """
    value, low, high = ratio.value, ratio.low, ratio.high
    if low is not None and high is not None and low <= 1 <= high:
        if times(low) == times(high) == "1":
            return "the same"
        return f"no difference shown: {times(value)} times {bracketed(times(low), times(high))}"
    if value < 1:
        value, word = 1 / value, less
        low, high = (None, None) if low is None or high is None else (1 / high, 1 / low)
    else:
        word = more
    if low is None or high is None:
        return f"{times(value)} {word}"
    return f"{times(value)} {word} {bracketed(times(low), times(high))}"


def bracketed(low: str, high: str) -> str:
    """Write an interval that a line break does not tear."""
    return f"[{low}{NO_BREAK}to{NO_BREAK}{high}]"


def factor(
    scenario: ScenarioAnalysis, key: str, subject: Arm, baseline: Arm, *, per_1000: bool = False
) -> str:
    """Say how ``subject`` compares with ``baseline`` in the metric ``key``; a dash: it cannot."""
    if key == "api_requests":
        return _requests(scenario, subject, baseline)
    more, less = WORDS.get(key, ("times as much", "times less"))
    return _cell(scenario, Line(key, key, more, less, per_1000=per_1000), baseline)


def _requests(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    comparison = scenario.comparison("api_requests", baseline.server, per_1000=True)
    return requests_factor(comparison, subject, baseline) or MISSING


def _cell(scenario: ScenarioAnalysis, line: Line, baseline: Arm) -> str:
    comparison = scenario.comparison(line.key, baseline.server, per_1000=line.per_1000)
    if comparison is None:
        return MISSING
    if comparison.ratio is not None:
        return in_words(comparison.ratio, line.more, line.less)
    return _difference(comparison)


def _difference(comparison: Comparison) -> str:
    """Say a difference, where a ratio would divide by what may be zero."""
    spread = comparison.difference
    if spread is None:
        return MISSING
    scale = scale_for((spread.value, spread.low, spread.high), comparison.metric.unit)
    unit = {"ms/s": "ms of CPU a second", "/s": "a second"}.get(scale.unit, scale.unit)
    if spread.low is None or spread.high is None:
        return f"{scale.show(spread.value)} {unit}"
    within = bracketed(scale.show(spread.low), scale.show(spread.high))
    if spread.low <= 0 <= spread.high:
        if number(spread.low) == number(spread.high) == "0":
            return "the same"
        return f"no difference shown: {scale.show(spread.value)} {within} {unit}"
    sign = "+" if spread.value > 0 else ""
    return f"{sign}{scale.show(spread.value)} {within} {unit}"


def _caption(rounds: int) -> str:
    if rounds == 1:
        return "One round only: no interval can be given, and no conclusion drawn."
    if rounds < INDICATIVE_BELOW:
        return (
            f"Compared round by round; in brackets the 95% interval over {rounds} rounds, "
            f"indicative: fewer than {INDICATIVE_BELOW} rounds carry no firm one."
        )
    return f"Compared round by round; in brackets the 95% interval over {rounds} rounds."
