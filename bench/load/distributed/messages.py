"""Messages between master and workers: Locust's custom messages, with values that msgpack has."""

from dataclasses import dataclass
from enum import StrEnum

from bench.load.distributed.share import Share
from bench.load.spec import Load


class Kind(StrEnum):
    """Kind of a message; each names its sender."""

    HELLO = "informer-bench.hello"
    """Worker: its fingerprint and name; answered by ``ORDER`` or ``REFUSED``."""
    REFUSED = "informer-bench.refused"
    """Master: the worker is rejected; the reason, and whether it may try again."""
    CLOCK = "informer-bench.clock"
    """Master: asks for the worker's time. Worker: answers, with the question's number."""
    ORDER = "informer-bench.order"
    """Master: the worker is accepted; its name and its share of the load."""
    PHASE = "informer-bench.phase"
    """Master: generate load from a moment of the worker's clock on, for some seconds."""
    PROGRESS = "informer-bench.progress"
    """Worker: the counts of the phase so far, as in ``protocol.COUNTS``."""
    ROWS = "informer-bench.rows"
    """Worker: the next piece of the window's rows."""
    OVER = "informer-bench.over"
    """Worker: the phase is over and drained; its result, and the rows and bytes sent."""
    TROUBLE = "informer-bench.trouble"
    """Worker: its program broke, and how."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The name of one worker, and its share of ``load``."""

    name: str
    share: Share
    load: Load
