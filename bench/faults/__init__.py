"""Ways for an API server to fail, one file a fault, found by its name.

Duty: put a fault into a local control plane, and mend it. A fault is a module
beside this one: its file name, with dashes for underscores, is the fault's name,
its docstring says what is done, and its ``FAULT`` is a class of ``Fault``. A new
fault is one new file.

When a fault comes and how long it stays is the trial's matter, what came of it
the analysis's.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bench.cluster.control_plane import ControlPlane
from bench.plugins import load_plugin, plugin_names


class FaultError(Exception):
    """There is no such fault, or it could not be put in place; says which and why."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault is put in: the control plane, and the accounts of what is under test.

    ``seconds`` is how long it is meant to stay.
    """

    plane: ControlPlane
    identities: tuple[str, ...]
    seconds: float


class Fault(ABC):
    """One fault of one trial: begun once and ended once; ``end`` mends whatever ``begin`` did.

    Times are seconds of the monotonic clock.
    """

    what: ClassVar[str]
    """What happened, in the past tense, as a reader is told: ``the API server was frozen``."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.started_anew_s: float | None = None
        """When the API server's process was started again; ``None``: it never ended."""
        self.note: str | None = None
        """What the fault found out about itself."""

    @abstractmethod
    def begin(self) -> float:
        """Put the fault in; return when it was in force.

        Raises ``FaultError`` if it cannot be; ``end`` is to be called then too.
        """

    @abstractmethod
    def end(self) -> float:
        """Take the fault away; return when the API server answered as before.

        Safe without ``begin`` and the second time. Raises ``FaultError``, or
        ``ProcessFailed`` when the control plane does not come up again.
        """


def names() -> tuple[str, ...]:
    """Return the names of all faults, sorted."""
    return plugin_names(__name__)


def load(name: str) -> type[Fault]:
    """Return the fault called ``name``; raise ``FaultError`` naming the nearest if none is."""
    module = load_plugin(__name__, name, "fault", FaultError)
    found = getattr(module, "FAULT", None)
    if not (isinstance(found, type) and issubclass(found, Fault)):
        raise FaultError(f"{module.__file__} is no fault: it lacks a FAULT, a class of Fault")
    return found
