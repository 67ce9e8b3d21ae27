"""Load specification: its file, and the errors raised when the load cannot be generated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from bench.model import Arrivals, LoadWorkers, Targets

FILE = "load.json"
"""Name of the specification in the load's folder."""

Spec = TypeVar("Spec")
Positive = Annotated[float, msgspec.Meta(gt=0)]


class LoadFailed(Exception):  # noqa: N818 - named like the supervision's ProcessFailed
    """Raised when the load process died, fell silent or refused an order; has its log's tail."""


class WorkersMissing(Exception):  # noqa: N818 - likewise
    """Raised when workers do not join in time; the message names them and how to start them."""


class SpecError(ValueError):
    """Raised for a file that is missing or holds no valid specification."""


@dataclass(frozen=True, slots=True)
class DistributedLoad:
    """Several processes that generate one load: Locust's workers, and their master's address.

    Workers ``elsewhere`` are started by hand (``python -m bench.load worker``) and must
    join within ``within_s``; they need a ``port`` known beforehand. 0 chooses a free one.
    """

    workers: LoadWorkers
    host: str = "127.0.0.1"
    port: int = 0
    within_s: Positive = 60.0

    @property
    def command(self) -> str:
        """The command that starts a worker elsewhere, from this repository at this version."""
        return f"python -m bench.load worker --master {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Load:
    """Specification of a load; see ``Scenario`` for ``users`` and ``rate_rps``."""

    route: str
    servers: tuple[str, ...]
    """``http://host:port`` of each replica of the server under test; ``models.Order`` says how
    requests are spread over them."""
    users: Annotated[int, msgspec.Meta(ge=1)]
    targets: Targets
    rate_rps: Positive | None = None
    arrivals: Arrivals = Arrivals.CONSTANT
    seed: int = 0
    timeout_s: Positive = 30.0
    distributed: DistributedLoad | None = None
    """``None``: one process generates the load alone."""


def write_spec(path: Path, spec: object) -> None:
    """Write a load, or the targets of one, as JSON."""
    path.write_bytes(msgspec.json.encode(spec))


def read_spec(path: Path, kind: type[Spec]) -> Spec:
    """Read a file of ``write_spec``; raise ``SpecError`` naming the file and its fault."""
    name = kind.__name__.lower()
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise SpecError(f"cannot read the {name} in {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SpecError(f"{path} holds no {name}: {error}") from error


def listening_address(distributed: DistributedLoad | None) -> str:
    """Return the address on which servers must listen to be reached by the load."""
    return (
        distributed.host
        if distributed is not None and distributed.workers.elsewhere
        else "127.0.0.1"
    )
