"""What master and workers say to each other, as custom messages of Locust's.

Values are what msgpack carries: numbers, strings, bytes, lists, dictionaries.
"""

from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from bench.load.distributed.share import Share
from bench.model import Arrivals, Targets

HELLO = "informer-bench.hello"
"""Worker: my fingerprint and my name; answered by ``ORDER`` or ``REFUSED``."""
REFUSED = "informer-bench.refused"
"""Master: you are not wanted, why, and whether to come again."""
CLOCK = "informer-bench.clock"
"""Master: what does your clock say? Answered likewise, with the question's number."""
ORDER = "informer-bench.order"
"""Master: you are one of us, called so, and this is what there is to do."""
PHASE = "informer-bench.phase"
"""Master: load from this moment of your clock on, for so long."""
PROGRESS = "informer-bench.supervision.progress"
"""Worker: the counts of the phase so far."""
ROWS = "informer-bench.rows"
"""Worker: the next piece of the window's rows."""
OVER = "informer-bench.over"
"""Worker: the phase is over and drained; its counts, and how many pieces and rows there were."""
TROUBLE = "informer-bench.trouble"
"""Worker: this program broke here, and how."""

COUNTS = ("sent", "answered", "failed", "dropped", "in_flight")
"""What ``PROGRESS`` tells."""

PIECE_BYTES = 1 << 20
"""Rows travel in pieces, so that heartbeats need not wait for the whole."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one worker is to do. ``users`` and ``rate_rps`` are of the whole load."""

    name: str
    share: Share
    route: str
    servers: tuple[str, ...]
    """``http://host:port`` of each replica."""
    users: int
    targets: Targets
    rate_rps: float | None
    arrivals: Arrivals
    seed: int
    timeout_s: float

    def encode(self) -> dict[str, Any]:
        """Return the assignment as what a message carries."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        return content

    @classmethod
    def decode(cls, content: Any) -> "Assignment":  # noqa: ANN401 - as it came over the wire
        """Read an assignment; raise ``msgspec.ValidationError`` if it is none."""
        return msgspec.convert(content, cls)


@dataclass(frozen=True, slots=True)
class Result:
    """What one worker made of a phase."""

    sent: int
    answered: int
    failed: int
    dropped: int
    in_flight: int
    read: int
    wrong: int
    rows: int
    row_bytes: int
    drained_after_s: float
    """From the begin of the phase."""
    cpu_s: float
    span_s: float
    """How long ``cpu_s`` was counted for."""
    schedule_lag_p99_ms: float | None
    stood_still_s: float
    first_failures: tuple[str, ...]

    def encode(self) -> dict[str, Any]:
        """Return the result as what a message carries."""
        return asdict(self)

    @classmethod
    def decode(cls, content: Any) -> "Result":  # noqa: ANN401 - as it came over the wire
        """Read a result; raise ``msgspec.ValidationError`` if it is none."""
        return msgspec.convert(content, cls)
