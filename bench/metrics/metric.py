"""The definition of a metric: the source of its value, its names, and the views that show it.

All of it is data. The analysis evaluates a ``Source`` on a trial, and the report takes titles,
units, words and views from the same entry.
"""

from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from typing import ClassVar

from bench.model.message import Message, message

NO_SERVER = "none"
"""The arm without a server and without load: the idle baseline, called the floor."""
BARE = "direct"
"""The server that keeps no pods: memory of another server above its memory is a cache."""
FLOOR = "; the same of the arm none subtracted, round by round"


class View(Flag):
    """Places where a metric is shown. The order within a view is that of the registry."""

    HEADLINE = auto()
    """The figures at the top of the page."""
    TABLE = auto()
    """The table of a scenario."""
    BALANCE = auto()
    """What improves and what gets worse, as shares of the baseline."""
    FACTORS = auto()
    """The subject against each other server, as a factor."""
    BILL = auto()
    """The cost of the informer to the application."""
    BRIEF = auto()
    """The table of terminal and Markdown."""
    NOISE = auto()
    """The variation between rounds."""
    MATRIX = auto()
    """All read paths side by side."""
    VERSIONS = auto()
    """One scenario on several versions of Kubernetes."""
    REPLICAS = auto()
    """The cost of each further replica."""
    MODEL = auto()
    """The cost model: unit costs and break-even."""
    OBSERVERS = auto()
    """The cost that freshness probe and bystander add to the arms they observe."""


NOWHERE = View(0)


class Group(StrEnum):
    """A heading under which a table shows a metric."""

    REQUESTS = "requests"
    READS = "reads"
    CONTROL_PLANE = "control plane"
    INTERNALS = "inside the control plane"
    APPLICATION = "application"
    START = "start"
    RECOVERY = "recovery"
    FRESHNESS = "freshness"
    NEIGHBOURS = "other clients"


class Load(StrEnum):
    """The kind of load under which arms compare like for like."""

    ANY = "any"
    FIXED_RATE = "fixed rate"
    """Arms that answer the same rate of reads: costs per second."""
    FULL_SPEED = "full speed"


class Speed(StrEnum):
    """The scenario that the matrix of read paths takes a metric from."""

    FIXED = "fixed rate"
    FULL = "full speed"
    FULL_IF_MEASURED = "full speed if measured"
    """At a rate that the slowest path can keep, the control plane's CPU is too small against the
    floor's variation between rounds."""


@dataclass(frozen=True, slots=True)
class Times:
    """A distribution of times, one a row of ``table``: from column ``since`` to column ``until``.

    A row with an ``outcome`` was answered if that is ``ok``, any other if ``until`` is set.
    Unanswered rows took *at least* the load's time-out, or the time waited.
    """

    name: str
    table: str
    """``requests``, or the name of an observer."""
    since: str
    until: str
    answered_only: bool = False
    """Whether rows without an answer are left out."""
    asked: str | None = None
    """Column that is 0 in rows without a read; such rows are left out."""
    waited: str | None = None
    """Column with the time of the last read in vain; else the longest time seen is the bound."""

    RESPONSE: ClassVar["Times"]
    SERVICE: ClassVar["Times"]
    STALENESS: ClassVar["Times"]
    EVENT_DELAY: ClassVar["Times"]
    BYSTANDER: ClassVar["Times"]

    def __str__(self) -> str:
        return self.name

    @property
    def columns(self) -> frozenset[str]:
        """Columns that the table must have."""
        known = (self.since, self.until, self.asked, self.waited)
        return frozenset(name for name in known if name is not None)


Times.RESPONSE = Times("response time", "requests", "intended_us", "done_us")
Times.SERVICE = Times("service time", "requests", "sent_us", "done_us", answered_only=True)
Times.STALENESS = Times(
    "staleness", "freshness", "acked_us", "fresh_done_us", asked="reads", waited="stale_sent_us"
)
Times.EVENT_DELAY = Times(
    "event delay", "freshness", "acked_us", "event_us", answered_only=True, asked="reads"
)
Times.BYSTANDER = Times("bystander", "bystander", "intended_us", "done_us")


class Tally(StrEnum):
    """A count taken from a trial's tables."""

    API_REQUESTS = "API requests"
    """Requests of the server under test that reached the API server, per second of the window."""
    ANSWERED = "answered reads"
    """Reads answered well, per second of the window."""
    STALE_FIRST_READS = "stale first reads"
    """Share of first reads after a write that were older than it."""
    OPEN_WATCHES = "open watches"
    """Watches of pods that are open at the end mark."""
    RECOVERY_REQUESTS = "recovery requests"
    """Requests in the first ten seconds after a fault."""
    QUIET_AGAIN = "quiet again"
    """Seconds from the end of a fault to the last request before the quiet."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of reading a counter: the sum of ``names``, of series with ``label`` = ``value``.

    With ``label`` it applies only if the metric has that label; without ``value`` every series
    counts. A counter with labels is not exposed before its first event, where its value is 0:
    a ``witness`` of the same family distinguishes that from a version without the counter.
    """

    names: tuple[str, ...]
    label: str | None = None
    value: str | None = None
    witness: str | None = None
    of_pods: bool = False
    """Only series of pods: the API server lists other kinds for itself, at any time."""
    unless: tuple[str, str] | None = None
    """A label and its value: series that have it do not count."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A Prometheus counter of ``scraped``: the first of ``readings`` that its version exposes."""

    scraped: str
    readings: tuple[Reading, ...]

    @property
    def name(self) -> str:
        """The newest name, for messages."""
        return " + ".join(self.readings[0].names)

    @property
    def names(self) -> frozenset[str]:
        """All names that the readings need, of any version."""
        return frozenset(
            name
            for reading in self.readings
            for name in (*reading.names, reading.witness)
            if name is not None
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of ``counter`` per second between the marks, times ``factor``."""

    counter: Counter
    factor: float = 1.0

    def __str__(self) -> str:
        unless = self.counter.readings[0].unless
        without = f" (without {'='.join(unless)})" if unless else ""
        return (
            f"scrapes.parquet: {self.counter.name} of {self.counter.scraped}, end - begin{without}"
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """The field of ``trial.json`` times ``factor``; if it is null, ``otherwise``."""

    field: str
    factor: float = 1.0
    per_second: bool = False
    """Over the seconds between the marks."""
    per: str | None = None
    """Another field of ``trial.json``, the divisor."""
    otherwise: Growth | None = None

    def __str__(self) -> str:
        other = self.otherwise
        null = f" (where null: scrapes.parquet: {other.counter.name})" if other else ""
        return f"trial.json {self.field}{null}"


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of other metrics, by key; missing if one of them is."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quantile:
    """Percentile ``q`` (0 < q < 1) of ``times``, in ms."""

    times: Times
    q: float

    def __str__(self) -> str:
        return f"{self.times.table}.parquet: {self.times.until} - {self.times.since}"


@dataclass(frozen=True, slots=True)
class Counted:
    """A count by a ledger or an observer."""

    tally: Tally


Source = Growth | Recorded | Total | Quantile | Counted


@dataclass(frozen=True, slots=True)
class Words:
    """Words for a factor above 1: ``3 times longer``, ``3 times shorter``."""

    more: str
    less: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity of a trial.

    ``note`` adds to ``of`` how it is computed. ``floor`` is the arm whose value of the same round
    is subtracted. ``views`` show it per second or as a state, ``per_1000`` per 1,000 answered
    reads; ``unseen`` is the reason to keep a metric without a view.
    """

    key: str
    title: str
    short: str
    """Its name in sentences; empty: the title, with a small first letter."""
    unit: str
    of: Source
    group: Group
    note: str = ""
    views: View = NOWHERE
    per_1000: View = NOWHERE
    words: Words = Words("times as much", "times less")
    higher_is_better: bool = False
    floor: str | None = None
    load: Load = Load.ANY
    may_be_zero: bool = False
    per_read: bool = False
    """Whether it is also stated per 1,000 answered reads."""
    speed: Speed = Speed.FIXED
    unseen: str = ""

    def __post_init__(self) -> None:
        title = self.title if isinstance(self.title, Message) else Message(self.title)
        object.__setattr__(self, "title", title)
        small = title[0].lower() if title[1:2].islower() else title[0]
        from_title = Message(title.msgid, title.slots, small + title[1:])
        short = self.short if isinstance(self.short, Message) else Message(self.short)
        object.__setattr__(self, "short", short or from_title)

    @property
    def source(self) -> str:
        """The file and columns it is computed from, and the computation, in words."""
        origin = "" if isinstance(self.of, Total | Counted) else str(self.of)
        over = ", over window_s" if self.between_marks else ""
        return f"{origin}{self.note}{over}{FLOOR if self.above_floor else ''}"

    @property
    def above_floor(self) -> bool:
        """Whether the idle baseline is subtracted."""
        return self.floor == NO_SERVER

    @property
    def between_marks(self) -> bool:
        """Whether it is an amount that was spent between the marks, per second."""
        of = self.of
        return isinstance(of, Growth | Total) or (isinstance(of, Recorded) and of.per_second)

    @property
    def q(self) -> float | None:
        """The percentile's share, between 0 and 1; ``None`` if it is no percentile."""
        return self.of.q if isinstance(self.of, Quantile) else None

    @property
    def counter(self) -> Counter | None:
        """The counter without which it cannot be measured."""
        return self.of.counter if isinstance(self.of, Growth) else None

    def unit_of(self, *, per_1000: bool) -> str:
        """Return the unit of a value per second, or of one per 1,000 reads."""
        return self.unit.split("/")[0] if per_1000 else self.unit

    def title_of(self, *, per_1000: bool) -> str:
        """Return the title of a value per second, or of one per 1,000 reads."""
        if not per_1000:
            return self.title
        return message("{title} per 1,000 reads").format(title=self.title)

    def shown_in(self, view: View) -> tuple[bool, ...]:
        """Return the forms in which ``view`` shows it: per second (False), per 1,000 (True)."""
        return tuple(
            per_1000
            for per_1000, views in ((False, self.views), (True, self.per_1000))
            if view in views
        )


def percentile_name(q: float) -> str:
    """Name a percentile: ``p50``, ``p99.9``."""
    return f"p{q * 100:g}"
