"""The remedies for each kind of trouble, their tries and their order: one table.

A :class:`Signal` is a kind of trouble; a :class:`Remedy` is an answer to it. Remedies
form a ladder, from the cheapest to the most thorough. A rule sets the first remedy of
a signal, and the failures of a remedy after which the next one is tried, so that
nothing repeats for ever. After the last rung the ladder restarts at ``LIST_KNOWN``:
an informer never gives up, and its health tells why it is behind. A stream that has
proven healthy resets the ladder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from http import HTTPStatus

from kube_informer.events import Status


class Remedy(IntEnum):
    """The rungs. All but ``RESUME`` come after a back-off delay."""

    RESUME = 0
    """Resume the watch from the version reached, at once."""
    REWATCH = 1
    """Resume the watch from the version reached; if in doubt, check the server's version first."""
    LIST_KNOWN = 2
    """Fetch the whole state, not older than the version reached."""
    LIST_LATEST = 3
    """Fetch the latest state."""
    OTHER_PROTOCOL = 4
    """Fetch the latest state by the other protocol: stream (WatchList) or LIST."""


class Phase(StrEnum):
    """The phase in which a signal occurs."""

    WATCH = "watch"
    FILL = "fill"


class Signal(StrEnum):
    """Kinds of trouble."""

    SHORT = "short"
    """Streams that work, but end within a second, one after another."""
    EMPTY = "empty"
    """A stream ended normally before it brought anything that counts."""
    UNANNOTATED = "unannotated"
    """A bookmark during a streamed fill that does not end the initial events."""
    NONSENSE = "nonsense"
    """Answered 200 with other content than requested, such as a login page."""
    SILENT = "silent"
    """Nothing came within the time limit."""
    BROKE = "broke"
    """The connection broke after the request was sent."""
    UNREACHABLE = "unreachable"
    """No connection."""
    THROTTLED = "throttled"
    """Answered 429."""
    REFUSED = "refused"
    """Answered with another status: 401, 403, 404, 5xx."""
    INVALID = "invalid"
    """Answered 400, 405 or 422: the server does not accept such a request."""
    EXPIRED = "expired"
    """The server no longer keeps the requested version: 410."""
    TOO_LARGE = "too_large"
    """The server has not reached the requested version yet."""
    BACKWARDS = "rv_backwards"
    """The server's version is below ours: its storage was restored."""
    FAULT = "fault"
    """An error of the client: an observer that raised, a defect."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Begin with ``first``; after ``tries`` failures continue with ``then``, or the next rung."""

    first: Remedy
    tries: int
    then: Remedy | None = None


_WATCH, _FILL = Phase.WATCH, Phase.FILL
_REWATCH, _KNOWN = Remedy.REWATCH, Remedy.LIST_KNOWN
_LATEST, _OTHER = Remedy.LIST_LATEST, Remedy.OTHER_PROTOCOL

LADDER: Mapping[tuple[Phase, Signal], Rule] = {
    (_WATCH, Signal.SHORT): Rule(_REWATCH, 20),
    (_WATCH, Signal.EMPTY): Rule(_REWATCH, 3),
    (_WATCH, Signal.NONSENSE): Rule(_REWATCH, 3),
    (_WATCH, Signal.SILENT): Rule(_REWATCH, 6),
    (_WATCH, Signal.BROKE): Rule(_REWATCH, 6),
    (_WATCH, Signal.UNREACHABLE): Rule(_REWATCH, 20),
    (_WATCH, Signal.THROTTLED): Rule(_REWATCH, 20),
    (_WATCH, Signal.REFUSED): Rule(_REWATCH, 6),
    (_WATCH, Signal.INVALID): Rule(_LATEST, 1),
    (_WATCH, Signal.EXPIRED): Rule(_LATEST, 1),
    (_WATCH, Signal.TOO_LARGE): Rule(_LATEST, 1),
    (_WATCH, Signal.BACKWARDS): Rule(_LATEST, 1),
    (_WATCH, Signal.FAULT): Rule(_LATEST, 3),
    (_FILL, Signal.EMPTY): Rule(_KNOWN, 2, _OTHER),
    (_FILL, Signal.UNANNOTATED): Rule(_OTHER, 1),
    (_FILL, Signal.NONSENSE): Rule(_KNOWN, 2, _OTHER),
    (_FILL, Signal.SILENT): Rule(_KNOWN, 2, _OTHER),
    (_FILL, Signal.BROKE): Rule(_KNOWN, 4, _OTHER),
    (_FILL, Signal.UNREACHABLE): Rule(_KNOWN, 20),
    (_FILL, Signal.THROTTLED): Rule(_KNOWN, 20),
    (_FILL, Signal.REFUSED): Rule(_OTHER, 2),
    (_FILL, Signal.INVALID): Rule(_OTHER, 1),
    (_FILL, Signal.EXPIRED): Rule(_LATEST, 8),
    (_FILL, Signal.TOO_LARGE): Rule(_LATEST, 8),
    (_FILL, Signal.FAULT): Rule(_LATEST, 3),
}

LASTING = frozenset((Signal.EMPTY, Signal.UNANNOTATED, Signal.SILENT, Signal.INVALID))
"""Signals after which no fill is streamed again: the server, or a proxy, supports none."""


def signal_of(status: Status) -> Signal:
    """Return the signal of an answer other than 200, or of an ERROR event."""
    if status.is_expired:
        return Signal.EXPIRED
    if status.is_too_large:
        return Signal.TOO_LARGE
    if status.code == HTTPStatus.TOO_MANY_REQUESTS:
        return Signal.THROTTLED
    if status.code in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ):
        return Signal.INVALID
    return Signal.REFUSED


class Ladder:
    """The position of one list and watch on the ladder."""

    def __init__(self) -> None:
        self.rung = Remedy.LIST_KNOWN
        self.moved = False
        """Whether the last signal changed the remedy."""
        self._spent = 0.0
        self._next_fetch = Remedy.LIST_KNOWN

    def climb(self, phase: Phase, signal: Signal) -> Remedy:
        """Return the remedy for ``signal``."""
        rule = LADDER[phase, signal]
        self.moved = False
        if self.rung < rule.first:
            self._go_to(rule.first)
        else:
            self._spent += 1 / rule.tries
            if self._spent > 1 - 1e-9:
                self._go_to(rule.then or self._next_fetch)
        return self.rung

    def _go_to(self, rung: Remedy) -> None:
        if rung > Remedy.REWATCH:
            # Do not repeat a fetch that did not lead to a healthy stream.
            rung = max(rung, self._next_fetch)
            last = rung is Remedy.OTHER_PROTOCOL
            self._next_fetch = Remedy.LIST_KNOWN if last else Remedy(rung + 1)
        self.rung, self.moved = rung, True
        self._spent = 0.0

    def fetched(self) -> None:
        """Note that the whole state came: the next watch starts at the first rung."""
        self.rung = Remedy.RESUME
        self._spent = 0.0

    def reset(self) -> None:
        """Note that a stream has proven healthy: restart the ladder."""
        self.fetched()
        self._next_fetch = Remedy.LIST_KNOWN
