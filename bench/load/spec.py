"""Load specification: its file, and the errors raised when the load cannot be generated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from bench.model import Arrivals, LoadWorkers, Targets

FILE = "load.json"
"""What a load process is told, in the folder of its load."""

Spec = TypeVar("Spec")
Positive = Annotated[float, msgspec.Meta(gt=0)]


class LoadFailed(Exception):  # noqa: N818 - named like the supervision's ProcessFailed
    """The load process died, fell silent or refused an order. Says which, with its log's tail."""


class WorkersMissing(Exception):  # noqa: N818 - likewise
    """The load's workers did not come in time. Says which, and how they are started."""


class SpecError(ValueError):
    """A file that is missing, or holds another thing than it should."""


@dataclass(frozen=True, slots=True)
class DistributedLoad:
    """Several processes that make one load: Locust's workers, and where they find their master.

    Workers ``elsewhere`` are started by hand (``python -m bench.load worker``) and must
    come within ``within_s``; they need a ``port`` that is known beforehand, 0 chooses one.
    """

    workers: LoadWorkers
    host: str = "127.0.0.1"
    port: int = 0
    within_s: Positive = 60.0

    @property
    def command(self) -> str:
        """What starts a worker elsewhere, from this repository at this version."""
        return f"python -m bench.load worker --master {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Load:
    """What the load process is to do; see ``Scenario`` for ``users`` and ``rate_rps``."""

    route: str
    servers: tuple[str, ...]
    """``http://host:port`` of each replica of the server under test; see ``models.Order`` for how
    requests are spread over them."""
    users: Annotated[int, msgspec.Meta(ge=1)]
    targets: Targets
    rate_rps: Positive | None = None
    arrivals: Arrivals = Arrivals.CONSTANT
    seed: int = 0
    timeout_s: Positive = 30.0
    distributed: DistributedLoad | None = None
    """``None``: one process makes the load alone."""


def write_spec(path: Path, spec: object) -> None:
    """Write a load, or the targets of one, as JSON."""
    path.write_bytes(msgspec.json.encode(spec))


def read_spec(path: Path, kind: type[Spec]) -> Spec:
    """Read what ``write_spec`` wrote; raise ``SpecError`` naming the file and what is wrong."""
    name = kind.__name__.lower()
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise SpecError(f"cannot read the {name} in {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SpecError(f"{path} holds no {name}: {error}") from error


def listening_address(distributed: DistributedLoad | None) -> str:
    """Return where a server must listen to be reached by who makes the load."""
    return (
        distributed.host
        if distributed is not None and distributed.workers.elsewhere
        else "127.0.0.1"
    )
