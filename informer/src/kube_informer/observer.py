"""The events that an informer reports: override the methods you need, the others do nothing.

The informer calls them on its own threads. Be quick, and raise nothing: an error in
a method about a handler is logged and counted as a failure of that handler, an error
in any other makes the informer fetch the whole state anew.
"""


class Observer:
    """Receives every event of an informer that is worth a metric. This one ignores them all."""

    def listed(self, code: int, seconds: float) -> None:
        """A LIST was answered with ``code`` after ``seconds``; 0: no answer came."""

    def watch_started(self) -> None:
        """A watch was answered 200."""

    def watch_ended(self, lifetime_s: float, events: int, *, short: bool) -> None:
        """A watch ended; ``short``: at once and without an event, which counts as a failure."""

    def filled(self, reason: str, objects: int) -> None:
        """The whole state was fetched; ``reason``: initial, no_version, or the signal behind it."""

    def climbed(self, signal: str, remedy: str) -> None:
        """Trouble ``signal`` came up, and ``remedy`` answers it; see ``ladder.py``."""

    def fell_back(self, cause: str) -> None:
        """The initial state could not be streamed and is listed instead."""

    def restarted_paging(self) -> None:
        """A list in pages took too long for the server and starts again."""

    def event(self, kind: str, version: str = "") -> None:
        """An event of this type came; ``version`` is its object's resourceVersion."""

    def stale(self, kind: str) -> None:
        """An event repeated a known state and was dropped."""

    def poisoned(self, cause: str) -> None:
        """An object or event could not be decoded or transformed and was skipped."""

    def received(self, size: int) -> None:
        """``size`` bytes came."""

    def refused(self, code: int, message: str) -> None:
        """A list or watch was answered with an error status."""

    def stream_failed(self, cause: str) -> None:
        """A list or watch got no answer, or broke off."""

    def backed_off(self, delay_s: float) -> None:
        """No request is sent for ``delay_s`` seconds."""

    def faulted(self, error: BaseException) -> None:
        """An unexpected error was raised; the whole state is fetched anew after a wait."""

    def handler_called(self, handler: str, seconds: float) -> None:
        """A handler took ``seconds`` for one notification."""

    def handler_failed(self, handler: str, error: BaseException) -> None:
        """A handler raised, or its thread was sent an exception; the next notification follows."""
