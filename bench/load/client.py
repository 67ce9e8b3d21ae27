"""Asking one thing once: send, read, judge, count, record, and tell Locust."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from time import monotonic

from bench.load.backoff import Backoff
from bench.load.check import BodyCheck, ImplausibleBodyError
from bench.load.connection import Address, Connection, NoAnswerError
from bench.load.phase import Phase
from bench.load.recorder import Result
from bench.load.routes import Ask

CHECK_EVERY = 100
"""One body in so many is checked in full, a user's first among them: a check of 4.4 MB
takes some 5 ms, ten times its reading."""


class RequestFailedError(Exception):
    """What Locust is told of a request that brought no good answer. Few distinct texts."""


Report = Callable[[str, float, int, RequestFailedError | None], None]
"""Told of each request: label, time in ms from the intended start, body bytes, what failed."""


@dataclass(frozen=True, slots=True)
class Question:
    """An ask made ready to send; ``label`` is an index into the labels of its ``Questions``."""

    request: bytes
    path: str
    label: int


class Questions:
    """A route's asks made ready for one server, or one replica of it."""

    def __init__(self, asks: Sequence[Ask], address: Address) -> None:
        self.asks = tuple(asks)
        self.address = address
        self.labels = tuple(dict.fromkeys(ask.label for ask in asks))
        codes = {label: code for code, label in enumerate(self.labels)}
        self.ready = tuple(
            Question(address.request(ask.path), ask.path, codes[ask.label]) for ask in asks
        )


class RequestClient:
    """Asks questions over connections it is handed, and knows when to leave a server alone."""

    def __init__(self, questions: Questions, timeout_s: float, report: Report) -> None:
        self._questions = questions
        self._timeout_s = timeout_s
        self._report = report
        self._check = BodyCheck()
        self._turn = count()
        self.backoff = Backoff()

    def ask(self, connection: Connection, phase: Phase, index: int, intended_s: float) -> None:
        """Ask question ``index``; count, record and report what comes of it. Never raises."""
        question = self._questions.ready[index]
        keep = next(self._turn) % CHECK_EVERY == 0
        phase.in_flight += 1
        begun = monotonic()
        try:
            response = connection.get(question.request, self._timeout_s, keep=keep)
            done = monotonic()
        except NoAnswerError as error:
            if not error.timed_out:
                self.backoff.failed(monotonic(), lost=error.sent)
            result = Result.TIMEOUT if error.timed_out else Result.FAILED
            sent = begun if error.sent else None
            phase.ended(intended_s, sent, None, 0, 0, question.label, result)
            self._tell(phase, question, intended_s, 0, str(error))
            return
        finally:
            phase.in_flight -= 1
        self.backoff.succeeded()
        wrong = self._judge(question, response.status, response.body)
        result = Result.FAILED if wrong else Result.OK
        size = response.body_bytes
        phase.ended(intended_s, begun, done, response.status, size, question.label, result)
        self._tell(phase, question, intended_s, size, wrong, done)

    def refuse(self, phase: Phase, index: int, intended_s: float, *, dropped: bool) -> None:
        """Count an arrival that is not sent: dropped, or the server cannot be reached now."""
        question = self._questions.ready[index]
        result = Result.DROPPED if dropped else Result.FAILED
        phase.ended(intended_s, None, None, 0, 0, question.label, result)
        why = "dropped: too many outstanding" if dropped else "not sent: server out of reach"
        self._tell(phase, question, intended_s, 0, why)

    def _judge(self, question: Question, status: int, body: bytes | None) -> str | None:
        if status != 200:
            return f"status {status}"
        if body is not None:
            try:
                self._check.check(question.path, body)
            except ImplausibleBodyError as error:
                return f"implausible body: {error}"
        return None

    def _tell(
        self,
        phase: Phase,
        question: Question,
        intended_s: float,
        size: int,
        wrong: str | None,
        done: float | None = None,
    ) -> None:
        elapsed_ms = ((monotonic() if done is None else done) - intended_s) * 1e3
        label = self._questions.labels[question.label]
        if wrong is None:
            self._report(label, elapsed_ms, size, None)
            return
        phase.note_failure(f"GET {question.path}: {wrong}")
        self._report(label, elapsed_ms, size, RequestFailedError(wrong))
