"""Worker registry: the workers that have joined, are missing, or were refused. Pure."""

import math
from dataclasses import dataclass, field
from itertools import count

from bench.load.distributed.clock import Offset
from bench.load.distributed.fingerprint import Fingerprint, differences
from bench.load.phases import PhaseResult
from bench.model import LoadWorkers

HERE = "worker"
ELSEWHERE = "elsewhere"
"""First part of the name of a worker that chose none; a number follows."""
NOT_COMPARED = Offset(0.0, math.inf)


class WorkerPoolError(Exception):
    """Raised when workers are missing or gone; the message names them and the remedy."""


@dataclass
class Member:
    """One worker that was admitted."""

    id: str
    """Locust's id; it holds the name of the host, and must not enter a record."""
    name: str
    clock: Offset = NOT_COMPARED
    applied: Offset = NOT_COMPARED
    """Value of ``clock`` when the phase was ordered."""
    exchanges: list[Offset] = field(default_factory=list)
    heard_s: float = 0.0
    """Time of its last message, on the master's clock."""
    counts: dict[str, int] = field(default_factory=dict)
    """Latest counts of the phase under way."""
    result: PhaseResult | None = None
    rows: int = 0
    """Number of rows of the phase, as the worker reports it."""
    row_bytes: int = 0
    """Bytes of its rows received so far."""
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a worker is rejected, and whether it may try again."""

    reason: str
    may_retry: bool = False


class WorkerRegistry:
    """The workers of one load, in the order in which the load is shared out."""

    def __init__(self, expected: LoadWorkers, fingerprint: Fingerprint) -> None:
        self._expected = expected
        self._fingerprint = fingerprint
        self._local_names = tuple(f"{HERE}-{number}" for number in range(1, expected.here + 1))
        """Names of the workers that the harness starts itself."""
        self._by_id: dict[str, Member] = {}
        self._rejected: dict[str, None] = {}
        """Texts that name each worker rejected for good, and the reason."""

    def enter(self, client_id: str, name: str | None, theirs: Fingerprint) -> Member | Rejection:
        """Admit a worker, or return the reason for rejecting it."""
        if client_id in self._by_id:
            return self._by_id[client_id]
        if differing := differences(self._fingerprint, theirs):
            reason = f"it is of another version: {differing}"
            self._rejected[f"{name or 'a worker without a name'} was refused: {reason}"] = None
            return Rejection(reason)
        taken = [member.name for member in self._by_id.values()]
        if name in taken:
            return Rejection(f"a worker called {name} has joined already", may_retry=True)
        if name not in self._local_names:
            others = len(taken) - sum(taken_name in self._local_names for taken_name in taken)
            if others >= self._expected.elsewhere:
                return Rejection("the present load has all its workers", may_retry=True)
            names = (f"{ELSEWHERE}-{number}" for number in count(1))
            name = name or next(new_name for new_name in names if new_name not in taken)
        member = self._by_id[client_id] = Member(client_id, name)
        return member

    def leave(self, client_id: str) -> None:
        """Forget a worker that left before the load began."""
        self._by_id.pop(client_id, None)

    def get(self, client_id: str) -> Member | None:
        """Return the worker with that id, ``None`` if it was not admitted."""
        return self._by_id.get(client_id)

    @property
    def complete(self) -> bool:
        """Whether all workers have joined."""
        return len(self._by_id) == self._expected.total

    @property
    def members(self) -> tuple[Member, ...]:
        """The workers started by the harness by number, then the others by name."""
        by_name = {member.name: member for member in self._by_id.values()}
        others = sorted(by_name.keys() - set(self._local_names))
        return tuple(by_name[name] for name in (*self._local_names, *others) if name in by_name)

    def status(self) -> str:
        """Return a text on the workers that have joined and those that were refused for good."""
        return "; ".join([self._count("are here"), *self._rejected])

    def shortage(self, within_s: float, command: str) -> str:
        """Return a text on the workers missing after ``within_s``; ``command`` starts one."""
        joined = [member.name for member in self.members]
        missing = [name for name in self._local_names if name not in joined]
        others = self._expected.elsewhere - sum(name not in self._local_names for name in joined)
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        if others:
            parts.append(f"{others} from elsewhere missing; each is started with: {command}")
        arrivals = self._count(f"came within {within_s:g} s")
        return "; ".join([arrivals, *parts, *self._rejected])

    def _count(self, predicate: str) -> str:
        joined = [member.name for member in self.members]
        names = f" ({', '.join(joined)})" if joined else ""
        return f"{len(joined)} of {self._expected.total} load workers {predicate}{names}"
