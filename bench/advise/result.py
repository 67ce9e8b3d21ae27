"""Advice on the clients of an API server, as plain data: ``advice.json`` is ``Advice``."""

from enum import StrEnum
from pathlib import Path

import msgspec

from bench.stats import Estimate

SCHEMA = 1
"""Version of ``advice.json``."""


class Verdict(StrEnum):
    """The behaviour of a client towards a resource."""

    POLLS = "POLLS"
    GET_POLLS = "GET-POLLS"
    PAGES = "PAGES"
    HERD = "HERD"
    RELISTS = "RELISTS"
    RESTARTS = "RESTARTS"
    REWATCHES = "REWATCHES"
    WATCHES = "WATCHES"
    LEASES = "LEASES"
    LOOPBACK = "LOOPBACK"
    CANNOT_SAY = "CANNOT SAY"


ASKS = (Verdict.POLLS, Verdict.GET_POLLS, Verdict.PAGES, Verdict.HERD)
"""An informer would replace these requests."""
STUMBLES = (Verdict.RELISTS, Verdict.RESTARTS)
"""There is an informer, which starts again and again."""

ADVISED = (*ASKS, *STUMBLES, Verdict.REWATCHES)


class Why(StrEnum):
    """The reason why there is no verdict."""

    FEW = "few"
    SHORT_LIVED = "short-lived"
    REFUSED = "refused"
    WRITES = "writes"
    ONCE = "once"
    UNTIMED = "untimed"
    NO_WATCH = "no-watch"


class Price(msgspec.Struct, frozen=True):
    """Cost of the requests of a client, and of an informer in their place, in one quantity.

    ``now`` and ``instead`` are per second, in the unit of the quantity, on the machine of the run
    that measured the unit costs. ``saved`` is the share of ``now`` that the change saves.
    """

    now: Estimate
    instead: Estimate
    saved: Estimate | None


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A client (user and agent), a resource and a scope: its requests, and the verdict.

    ``scope``: all namespaces, one ``namespace``, or one ``object``. ``lists`` counts a list in
    pages once, ``pages`` its requests; ``versions`` has the resourceVersions of lists.
    """

    user: str
    agent: str
    resource: str
    scope: str
    verdict: Verdict
    why: Why | None = None
    lists: int
    pages: int
    gets: int
    watches: int
    failed: int
    versions: dict[str, int]
    targets: int
    namespaces: int
    addresses: int
    """Different source addresses: about the number of its replicas."""
    per_s: float
    """Lists and gets per second of the time that the log covers; 0 if it covers none."""
    period_s: float | None
    """Mean time between two reads of the same target from one address, while it was active."""
    selected: bool
    """Whether it lists by a selector: ``objects`` is then an upper bound."""
    objects: float = 0.0
    """Objects that a read of it returns."""
    objects_from: str = ""
    """counts, pages, names, or assumed."""
    events_per_s: float = 0.0
    """Writes to the objects that it reads."""
    share: float | None = None
    """Share of the control plane's CPU that all reads in this log cost, by the unit costs."""
    cpu: Price | None = None
    """Milliseconds per second of API server and etcd."""
    bytes: Price | None = None
    break_even_per_s: float | None = None
    """The read rate above which an informer takes less CPU than this client's reads."""

    @property
    def pays(self) -> bool:
        """Whether a change is advised, and saves something by its price, if there is one."""
        if self.verdict not in ADVISED:
            return False
        saved = self.cpu.saved if self.cpu else None
        return saved is None or (saved.value if saved.low is None else saved.low) > 0

    @property
    def saved_share(self) -> float:
        """Saving of a change, as a share of the cost of all reads; 0 without a price."""
        saved = self.cpu.saved if self.cpu else None
        return (self.share or 0.0) * min(1.0, saved.value) if saved and self.pays else 0.0


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The log that was read. Times are seconds since the epoch."""

    records: dict[str, int]
    """Format -> records in it."""
    unknown: int
    unknown_example: str
    too_long: int
    cut_short: tuple[str, ...]
    drops_reads: str
    """The kind of log that leaves out reads, or "verbs" if no line gets or lists; else empty."""
    unread: tuple[str, ...] = ()
    """Resources that lines write and none reads."""
    covered_s: float
    """0 if no line has a readable time."""
    begins_s: int | None
    ends_s: int | None
    requests: int
    reads: int


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """The clients of a log, the most expensive first."""

    advice_schema: int = SCHEMA
    log: Log
    unit_costs: str
    """The run that the prices come from; empty without prices."""
    unpriced: str
    """Why there are no prices."""
    pods: float
    """Most pods in a list of that run; a list of more objects is an extrapolation."""
    pod_bytes: float
    """Bytes of each of them."""
    anonymous: bool = False
    """Whether codes replace names."""
    clients: tuple[Client, ...]


class AdviceError(Exception):
    """Raised for unreadable advice; the message names the file and the reason."""


def read_advice(path: Path) -> Advice:
    """Read ``advice.json``; raises ``AdviceError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Advice)
    except OSError as error:
        raise AdviceError(f"cannot read {path}: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise AdviceError(f"{path} is not an advice.json of bench advise: {error}") from error


def to_json(advice: Advice) -> bytes:
    """Return the content of ``advice.json``."""
    return msgspec.json.format(msgspec.json.encode(advice), indent=2) + b"\n"
