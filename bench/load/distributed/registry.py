"""Worker registry: who has joined, who is awaited, who was refused. Pure."""

import math
from dataclasses import dataclass, field
from itertools import count

from bench.load.distributed.clock import Offset
from bench.load.distributed.fingerprint import Fingerprint, differences
from bench.load.phases import PhaseResult
from bench.model import LoadWorkers

HERE = "worker"
ELSEWHERE = "elsewhere"
"""What a worker that has no name of its own is called, with a number."""
NOT_COMPARED = Offset(0.0, math.inf)


class WorkerPoolError(Exception):
    """Workers did not come, or one is gone. Says which, and the way out."""


@dataclass
class Member:
    """One worker that was let in."""

    id: str
    """Locust's; holds the name of its host, and must not enter a record."""
    name: str
    clock: Offset = NOT_COMPARED
    applied: Offset = NOT_COMPARED
    """What ``clock`` was when the phase was ordered."""
    exchanges: list[Offset] = field(default_factory=list)
    heard_s: float = 0.0
    """When it last spoke, on the master's clock."""
    counts: dict[str, int] = field(default_factory=dict)
    """Of the phase under way, as last heard."""
    result: PhaseResult | None = None
    rows: int = 0
    """How many it says that the phase had."""
    row_bytes: int = 0
    """What has come of them."""
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Turned:
    """Why a worker is sent away, and whether it may come again."""

    why: str
    again: bool = False


class WorkerRegistry:
    """The workers of one load, in the order in which the load is shared out."""

    def __init__(self, wanted: LoadWorkers, fingerprint: Fingerprint) -> None:
        self._wanted = wanted
        self._fingerprint = fingerprint
        self._here = tuple(f"{HERE}-{number}" for number in range(1, wanted.here + 1))
        """What the workers are called that the harness starts itself."""
        self._by_id: dict[str, Member] = {}
        self.turned_away: dict[str, None] = {}
        """Who, and why, as text; those that may come again are not among them."""

    def enter(self, client_id: str, name: str | None, fingerprint: Fingerprint) -> Member | Turned:
        """Take in a worker, or say why not."""
        if client_id in self._by_id:
            return self._by_id[client_id]
        if differing := differences(self._fingerprint, fingerprint):
            why = f"it is of another version: {differing}"
            self.turned_away[f"{name or 'a worker without a name'} was refused: {why}"] = None
            return Turned(why)
        taken = [member.name for member in self._by_id.values()]
        if name in taken:
            return Turned(f"there is a worker called {name} already", again=True)
        if name not in self._here:
            others = len(taken) - sum(each in self._here for each in taken)
            if others >= self._wanted.elsewhere:
                return Turned("all workers of the present load are there", again=True)
            free = (f"{ELSEWHERE}-{number}" for number in count(1))
            name = name or next(each for each in free if each not in taken)
        member = self._by_id[client_id] = Member(client_id, name)
        return member

    def leave(self, client_id: str) -> None:
        """Forget a worker that went before the load began."""
        self._by_id.pop(client_id, None)

    def of(self, client_id: str) -> Member | None:
        """Return the worker of that id, ``None`` if it was not let in."""
        return self._by_id.get(client_id)

    @property
    def complete(self) -> bool:
        """Whether all have come."""
        return len(self._by_id) == self._wanted.total

    @property
    def members(self) -> tuple[Member, ...]:
        """Those started by the harness by their numbers, then the others by their names."""
        by_name = {member.name: member for member in self._by_id.values()}
        others = sorted(by_name.keys() - set(self._here))
        return tuple(by_name[name] for name in (*self._here, *others) if name in by_name)

    def there(self) -> str:
        """Say how many have come, by name, and who was sent away for good."""
        return "; ".join([self._count("are here"), *self.turned_away])

    def lacking(self, within_s: float, command: str) -> str:
        """Say who has not come within ``within_s``; ``command`` starts a worker elsewhere."""
        there = [member.name for member in self.members]
        missing = [name for name in self._here if name not in there]
        others = self._wanted.elsewhere - sum(name not in self._here for name in there)
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        if others:
            parts.append(f"{others} from elsewhere missing; each is started with: {command}")
        came = self._count(f"came within {within_s:g} s")
        return "; ".join([came, *parts, *self.turned_away])

    def _count(self, did: str) -> str:
        there = [member.name for member in self.members]
        names = f" ({', '.join(there)})" if there else ""
        return f"{len(there)} of {self._wanted.total} load workers {did}{names}"
