"""What is known of the clients of an API server, as plain data: ``advice.json`` is ``Advice``."""

from enum import StrEnum
from pathlib import Path

import msgspec

from bench.stats import Estimate

SCHEMA = 1
"""Version of ``advice.json``."""


class Verdict(StrEnum):
    """What a client does with a resource."""

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
"""An informer would take the place of these requests."""
STUMBLES = (Verdict.RELISTS, Verdict.RESTARTS)
"""There is an informer, and it begins again and again."""

ADVISED = (*ASKS, *STUMBLES, Verdict.REWATCHES)


class Why(StrEnum):
    """Why there is no verdict."""

    FEW = "few"
    SHORT_LIVED = "short-lived"
    REFUSED = "refused"
    WRITES = "writes"
    ONCE = "once"
    UNTIMED = "untimed"


class Price(msgspec.Struct, frozen=True):
    """What the requests of a client cost, and what an informer would instead; of one quantity.

    ``now`` and ``instead`` are per second, in the unit of the quantity, on the machine of the
    run that the unit costs are of. ``saved`` is the share of ``now`` that would go.
    """

    now: Estimate
    instead: Estimate
    saved: Estimate | None


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A client (user and agent), a resource and a scope: what it asked, and the verdict.

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
    """Different source addresses: about its replicas."""
    per_s: float
    """Lists and gets per second of the time that the log covers; 0 where that is none."""
    period_s: float | None
    """Mean time between two reads of the same target from one address, while it was active."""
    selected: bool
    """Whether it lists by a selector: then ``objects`` is the most that a list may return."""
    objects: float = 0.0
    """What a read of it returns."""
    objects_from: str = ""
    """counts, pages, names, or assumed."""
    events_per_s: float = 0.0
    """Writes to what it reads."""
    share: float | None = None
    """Of what all reads in this log cost the control plane's CPU, by the unit costs."""
    cpu: Price | None = None
    """Milliseconds a second of API server and etcd."""
    bytes: Price | None = None
    break_even_per_s: float | None = None
    """The read rate from which on an informer takes less CPU than this client's reads."""

    @property
    def pays(self) -> bool:
        """Whether a change is advised, and would save more than nothing as far as prices tell."""
        if self.verdict not in ADVISED:
            return False
        saved = self.cpu.saved if self.cpu else None
        return saved is None or (saved.value if saved.low is None else saved.low) > 0

    @property
    def saved_share(self) -> float:
        """What a change would save, as a share of what all reads cost; 0 without a price."""
        saved = self.cpu.saved if self.cpu else None
        return (self.share or 0.0) * min(1.0, saved.value) if saved and self.pays else 0.0


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. Times are seconds since the epoch."""

    records: dict[str, int]
    """Format -> records in it."""
    unknown: int
    unknown_example: str
    too_long: int
    cut_short: tuple[str, ...]
    drops_reads: str
    """The kind of log that leaves reads out, or "verbs" where no line gets or lists; else empty."""
    unread: tuple[str, ...] = ()
    """Resources that lines write to and none reads."""
    covered_s: float
    """0 where no line has a time that can be read."""
    begins_s: int | None
    ends_s: int | None
    requests: int
    reads: int


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says of the clients, those first that cost most."""

    advice_schema: int = SCHEMA
    log: Log
    unit_costs: str
    """The run that the prices come from; empty without prices."""
    unpriced: str
    """Why there are no prices."""
    pods: float
    """Pods in a list of that run, at most; a list of more objects is an extrapolation."""
    pod_bytes: float
    """Bytes of each of them."""
    anonymous: bool = False
    """Whether codes are in place of names."""
    clients: tuple[Client, ...]


class AdviceError(Exception):
    """Advice that cannot be read; the text names the file and what is wrong with it."""


def read_advice(path: Path) -> Advice:
    """Read ``advice.json``; raises ``AdviceError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Advice)
    except OSError as error:
        raise AdviceError(f"cannot read {path}: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise AdviceError(f"{path} is no advice.json of python -m bench advise: {error}") from error


def to_json(advice: Advice) -> bytes:
    """Return the content of ``advice.json``."""
    return msgspec.json.format(msgspec.json.encode(advice), indent=2) + b"\n"
