"""Faults of an API server, each in one file, found by its name.

Duty: inject a fault into a local control plane, and end it. A fault is a module
beside this one: its file name, with dashes for underscores, is the fault's name,
its docstring describes it, and its ``FAULT`` is a class of ``Fault``. A new fault is
one new file.

What does not belong here: begin and duration of a fault (``bench.trial``), and its
effects (``bench.analysis``).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bench.cluster.control_plane import ControlPlane
from bench.plugins import load_plugin, plugin_names


class FaultError(Exception):
    """Raised when a fault does not exist or cannot be injected; the message has name and reason."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Target of a fault: the control plane, and the accounts under test.

    ``seconds`` is its intended duration.
    """

    plane: ControlPlane
    identities: tuple[str, ...]
    seconds: float


class Fault(ABC):
    """One fault of one trial: begun once and ended once; ``end`` reverts whatever ``begin`` did.

    Times are seconds of the monotonic clock.
    """

    what: ClassVar[str]
    """Text for the report, in the past tense, such as ``the API server was frozen``."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.started_anew_s: float | None = None
        """When the API server's process was restarted; ``None``: it never ended."""
        self.note: str | None = None
        """A remark of the fault on itself, for the record."""

    @abstractmethod
    def begin(self) -> float:
        """Inject the fault; return the time from which it was in force.

        Raises ``FaultError`` if that fails; the caller then has to call ``end`` too.
        """

    @abstractmethod
    def end(self) -> float:
        """End the fault; return the time from which the API server answered as before.

        Safe without ``begin`` and when called again. Raises ``FaultError``, or
        ``ProcessFailed`` if the control plane does not restart.
        """


def names() -> tuple[str, ...]:
    """Return the names of all faults, sorted."""
    return plugin_names(__name__)


def load(name: str) -> type[Fault]:
    """Return the fault ``name``; raise ``FaultError`` with the nearest name if there is none."""
    module = load_plugin(__name__, name, "fault", FaultError)
    fault = getattr(module, "FAULT", None)
    if not (isinstance(fault, type) and issubclass(fault, Fault)):
        raise FaultError(f"{module.__file__} is no fault: it lacks a FAULT, a class of Fault")
    return fault
