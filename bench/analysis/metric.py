"""What a metric is, and the ways of turning what a trial used into one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.analysis.exposed import Exposed
from bench.analysis.facts import Facts
from bench.analysis.latency import Latencies, Percentile, pool
from bench.model import NO_SERVER

ABOVE_NONE = "; the same of the arm none subtracted, round by round"


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity of a trial.

    ``above``: the arm whose figure of the same round is subtracted.
    ``needs_rate``: a cost, like for like only where all arms answer the same rate
    of reads (the open model).
    """

    key: str
    title: str
    unit: str
    source: str
    of: Callable[[Facts], float | None]
    higher_is_better: bool = False
    above: str | None = None
    needs_rate: bool = False
    may_be_zero: bool = False
    over_window: bool = False
    """Per second of the window (``window_s``), not of the time between the marks (``marks_s``)."""
    counters: tuple[Exposed, ...] = ()
    """What it is read from among the scrapes, and missing without."""
    withheld: Callable[[Facts], str | None] | None = None
    """Why a trial cannot carry it though it was measured. One such round withholds the figure
    of the arm: without the rounds that went worst, what is left would be a choice."""
    pooled: Callable[[Sequence[Facts]], Percentile | None] | None = None
    """Of a percentile: the same of all rounds together, which may be stated where no round's is."""

    @property
    def above_floor(self) -> bool:
        """Whether what the arm without a server shows is subtracted."""
        return self.above == NO_SERVER


def per_second(facts: Facts, amount: float | None) -> float | None:
    """Spread ``amount`` over the seconds between the marks."""
    if amount is None or facts.record.marks_s <= 0:
        return None
    return amount / facts.record.marks_s


def grew_per_second(facts: Facts, counter: Exposed, factor: float = 1.0) -> float | None:
    """Return by how much ``counter`` grew in a second, times ``factor``."""
    amount = counter.grew(facts.marks) if not _lost(facts, counter) else None
    return per_second(facts, None if amount is None else amount * factor)


def _lost(facts: Facts, counter: Exposed) -> bool:
    return counter.source == "apiserver" and facts.restarted


def per_1000_reads(metric: Metric, facts: Facts, per_second: float) -> float | None:
    """Turn ``metric`` per second into one per 1,000 answered reads; ``None`` without reads."""
    seconds = facts.record.window_s if metric.over_window else facts.record.marks_s
    return per_second * seconds / facts.reads * 1000 if facts.reads else None


def of_record(facts: Facts, field: str) -> float | None:
    """Return a figure that the record itself holds."""
    value: float | None = getattr(facts.record, field)
    return None if value is None else float(value)


Part = Callable[[Facts], Latencies | None]


def percentile_of(facts: Facts, part: Part, q: float) -> float | None:
    """Return percentile ``q`` in ms of the times that ``part`` picks, if it can be stated."""
    found = _percentile(facts, part, q)
    return None if found is None or found.at_least else found.value_ms


def percentile_withheld(facts: Facts, part: Part, q: float) -> str | None:
    """Say why a trial's percentile cannot be stated, though times were taken."""
    found = _percentile(facts, part, q)
    if found is None:
        return None
    if found.at_least:
        return f"in round {facts.record.trial.round} it falls among what was not answered"
    if found.withheld is not None:
        return f"a round {found.withheld}"
    return None


def percentile_pooled(facts: Sequence[Facts], part: Part, q: float) -> Percentile | None:
    """Return percentile ``q`` of all rounds' times together; ``None`` where none were taken."""
    known = [latencies for fact in facts if (latencies := part(fact)) is not None]
    return pool(known).percentile(q) if known else None


def _percentile(facts: Facts, part: Part, q: float) -> Percentile | None:
    latencies = part(facts)
    return None if latencies is None or not latencies.samples else latencies.percentile(q)


def percentile_metric(
    part: Part, q: float, *, key: str, title: str, source: str, may_be_zero: bool = False
) -> Metric:
    """Return the metric of one percentile, in ms, of ``part`` of a trial."""
    return Metric(
        key=key,
        title=title,
        unit="ms",
        source=source,
        may_be_zero=may_be_zero,
        of=partial(percentile_of, part=part, q=q),
        withheld=partial(percentile_withheld, part=part, q=q),
        pooled=partial(percentile_pooled, part=part, q=q),
    )
