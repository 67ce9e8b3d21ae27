"""What master and workers say to each other, as custom messages of Locust's: msgpack's values."""

from dataclasses import dataclass
from enum import StrEnum

from bench.load.distributed.share import Share
from bench.load.spec import Load


class Kind(StrEnum):
    """What a message says, and who says it."""

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
    PROGRESS = "informer-bench.progress"
    """Worker: the counts of the phase so far, as in ``protocol.COUNTS``."""
    ROWS = "informer-bench.rows"
    """Worker: the next piece of the window's rows."""
    OVER = "informer-bench.over"
    """Worker: the phase is over and drained; its result, and how many rows and bytes were sent."""
    TROUBLE = "informer-bench.trouble"
    """Worker: this program broke here, and how."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one worker is to do: its share of ``load``, and what it is called."""

    name: str
    share: Share
    load: Load
