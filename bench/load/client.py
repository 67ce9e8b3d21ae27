"""Request client: send, read, check, count, record, back off, and report to Locust."""

from collections.abc import Callable, Sequence
from time import monotonic

import msgspec

from bench.load.connection import Address, Connection, NoAnswerError, Response
from bench.load.phases import Phase
from bench.load.recorder import Result, Row
from bench.load.routes import Ask

FIRST_S = 0.05
CAP_S = 1.0
"""Pauses double from 50 ms to 1 s: a restarted server is found again within a second, and
a dead one costs each user one attempt a second."""

LOST_IN_A_ROW = 5
"""Connections lost in a row before the server is left alone: a server that hangs up now and
then must not silence the requests around it."""


class Backoff:
    """Doubling pauses after failures in a row; one success ends them. The clock is the caller's.

    Without pauses a user of the closed model would ask a dead server thousands of times a second.
    """

    def __init__(self, first_s: float = FIRST_S, cap_s: float = CAP_S) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._in_a_row = 0
        self._pause_s = 0.0
        self._until = 0.0

    def failed(self, now: float, *, lost: bool = False) -> None:
        """Note at ``now`` (seconds) that the server could not be reached, or hung up (``lost``)."""
        self._in_a_row += 1
        if lost and self._in_a_row < LOST_IN_A_ROW:
            return
        if now < self._until:
            return  # the attempt began before the pause, and says nothing new
        self._pause_s = min(self._cap_s, max(self._first_s, 2 * self._pause_s))
        self._until = now + self._pause_s

    def succeeded(self) -> None:
        """Note that the server answered."""
        self._in_a_row = 0
        self._pause_s = 0.0
        self._until = 0.0

    def remaining_s(self, now: float) -> float:
        """Return the seconds still to wait at ``now``, 0 when the server may be tried."""
        return max(0.0, self._until - now)


class ImplausibleBodyError(Exception):
    """Raised for an answer with status 200 that cannot be right."""


class _Envelope(msgspec.Struct):
    code: int
    result: list[msgspec.Raw] | dict[str, msgspec.Raw]


class _Name(msgspec.Struct):
    name: str
    namespace: str


class BodyCheck:
    """Checks bodies in full: JSON, ``code``, and a number of entries like the first one's.

    Churn changes the number of pods, so a list is plausible while it holds between half
    and double the entries of the first checked answer to its path. The pods asked for
    always exist: an empty list is never plausible.
    """

    def __init__(self) -> None:
        self._entries: dict[str, int] = {}

    def check(self, path: str, body: bytes) -> int:
        """Return how many pods ``body`` holds.

        Raises ``ImplausibleBodyError`` unless it may be the right answer to ``path``.
        """
        try:
            envelope = msgspec.json.decode(body, type=_Envelope)
        except msgspec.DecodeError as error:
            raise ImplausibleBodyError(f"the body is not the answer promised: {error}") from error
        if envelope.code != 200:
            raise ImplausibleBodyError(f"the body says code {envelope.code} under status 200")
        asks_for_one = path.partition("?")[0].count("/") == 3  # /pods/<namespace>/<name>
        if asks_for_one is not isinstance(envelope.result, dict):
            asked, given = ("one pod", "a list") if asks_for_one else ("a list", "one object")
            raise ImplausibleBodyError(f"{asked} was asked for, {given} came")
        if isinstance(envelope.result, dict):
            _check_pod(path, envelope.result)
            return 1
        self._check_entries(path, len(envelope.result))
        return len(envelope.result)

    def _check_entries(self, path: str, entries: int) -> None:
        if entries == 0:
            raise ImplausibleBodyError("the list is empty though its pods exist")
        usual = self._entries.setdefault(path, entries)
        if not usual / 2 <= entries <= usual * 2:
            raise ImplausibleBodyError(f"the list holds {entries} entries, {usual} at first")


def _check_pod(path: str, pod: dict[str, msgspec.Raw]) -> None:
    try:
        metadata = msgspec.json.decode(pod["metadata"], type=_Name)
    except (KeyError, msgspec.DecodeError) as error:
        raise ImplausibleBodyError(f"the pod has no usable metadata: {error}") from error
    if not path.endswith(f"/{metadata.namespace}/{metadata.name}"):
        raise ImplausibleBodyError(f"the pod is {metadata.namespace}/{metadata.name}")


class RequestFailedError(Exception):
    """Failure of a request as reported to Locust. Few distinct texts."""


Report = Callable[[str, float, int, RequestFailedError | None], None]
"""Called for each request: label, time in ms from the intended start, body bytes, failure."""


class Questions:
    """A route's asks as requests to one server, or one replica of it."""

    def __init__(self, asks: Sequence[Ask], address: Address) -> None:
        self.asks = tuple(asks)
        self.address = address
        self.labels = tuple(ask.label for ask in asks)
        self.requests = tuple(address.request(ask.path) for ask in asks)


class RequestClient:
    """Asks questions over the caller's connections; its ``backoff`` gives pauses after failures."""

    def __init__(self, questions: Questions, timeout_s: float, report: Report) -> None:
        self._questions = questions
        self._timeout_s = timeout_s
        self._report = report
        self._check = BodyCheck()
        self.backoff = Backoff()

    def ask(self, connection: Connection, phase: Phase, index: int, intended_s: float) -> None:
        """Ask question ``index``; count, record and report its result. Never raises."""
        phase.in_flight += 1
        begun = monotonic()
        keep = phase.reads_body(begun)
        try:
            response = connection.get(self._questions.requests[index], self._timeout_s, keep=keep)
            done = monotonic()
        except NoAnswerError as error:
            if not error.timed_out:
                self.backoff.failed(monotonic(), lost=error.sent)
            result = Result.TIMEOUT if error.timed_out else Result.FAILED
            sent = begun if error.sent else None
            self._ended(phase, Row(intended_s, sent, None, 0, 0, index, result), str(error))
            return
        finally:
            phase.in_flight -= 1
        self.backoff.succeeded()
        entries, wrong = self._judge(phase, self._questions.asks[index], response)
        status, size = response.status, response.body_bytes
        result = Result.FAILED if wrong else Result.OK
        row = Row(intended_s, begun, done, status, size, index, result, entries)
        self._ended(phase, row, wrong)

    def refuse(self, phase: Phase, index: int, intended_s: float, *, dropped: bool) -> None:
        """Count an arrival that is not sent: dropped, or the server cannot be reached now."""
        result = Result.DROPPED if dropped else Result.FAILED
        failure = "dropped: too many outstanding" if dropped else "not sent: server out of reach"
        self._ended(phase, Row(intended_s, None, None, 0, 0, index, result), failure)

    def _judge(
        self, phase: Phase, question: Ask, response: Response
    ) -> tuple[int | None, str | None]:
        """Return the number of pods in the answer, if it was read in full, and its fault."""
        if response.status != 200:
            return None, f"status {response.status}"
        if response.body is None:
            return None, None
        phase.read += 1
        try:
            return self._check.check(question.path, response.body), None
        except ImplausibleBodyError as error:
            phase.wrong += 1
            return None, f"implausible body: {error}"

    def _ended(self, phase: Phase, row: Row, wrong: str | None) -> None:
        phase.ended(row)
        question, failure = self._questions.asks[row.ask], None
        if wrong is not None:
            phase.note_failure(f"GET {question.path}: {wrong}")
            failure = RequestFailedError(wrong)
        elapsed_s = (monotonic() if row.done_s is None else row.done_s) - row.intended_s
        self._report(question.label, elapsed_s * 1e3, row.body_bytes, failure)
