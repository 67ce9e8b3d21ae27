"""What an informer tells whoever counts: override what you need, the rest does nothing.

Called from the informer's own threads; be quick, and raise nothing: an error
here costs a whole fetch of the state, or where a handler is spoken of is logged and
counted among that one's failures.
"""


class Observer:
    """Every event of an informer's life worth a metric. This one ignores them all."""

    def listed(self, code: int, seconds: float) -> None:
        """A LIST was answered with ``code`` after so long, or with nothing (0)."""

    def watch_started(self) -> None:
        """A watch was answered 200."""

    def watch_ended(self, lifetime_s: float, events: int, *, short: bool) -> None:
        """A watch is over; ``short``: at once and without an event, which counts as a failure."""

    def filled(self, reason: str, objects: int) -> None:
        """The whole state was fetched: initial, no_version, or the signal that led to it."""

    def climbed(self, signal: str, remedy: str) -> None:
        """Trouble of this kind was met, and is answered so; see ``ladder.py``."""

    def fell_back(self, cause: str) -> None:
        """The initial state could not be streamed and is listed."""

    def restarted_paging(self) -> None:
        """A list in pages took too long for the server and was begun again."""

    def event(self, kind: str, version: str = "") -> None:
        """An event of this type came; ``version`` is its object's resourceVersion."""

    def stale(self, kind: str) -> None:
        """An event was a repeat of what is known already and was dropped."""

    def poisoned(self, cause: str) -> None:
        """An object or event could not be decoded or transformed and was skipped."""

    def received(self, size: int) -> None:
        """So many bytes came."""

    def refused(self, code: int, message: str) -> None:
        """A list or watch was answered with an error."""

    def stream_failed(self, cause: str) -> None:
        """A list or watch brought no answer, or broke off."""

    def backed_off(self, delay_s: float) -> None:
        """Nothing will be asked for so long."""

    def faulted(self, error: BaseException) -> None:
        """Something raised that should not have; everything is fetched anew after a wait."""

    def handler_called(self, handler: str, seconds: float) -> None:
        """A handler took so long over one notification."""

    def handler_failed(self, handler: str, error: BaseException) -> None:
        """A handler raised, or something sent to its thread; it goes on with the next one."""
