"""Observers: clients that ask beside the load, one file each, found by its name.

Duty: an observer is a module beside this one; its file name is the name of the observer and of
its table (``bystander`` gives ``bystander.parquet``), and its ``OBSERVER`` is a class of
``Observer``: the account, the columns, the rate, and what is asked. Each runs as a process of
its own (``python -m bench.probes.observers NAME``) and in every arm, the one without a server
included, so that its cost is the same in all and cancels in differences. A new observer is one
new file.

What does not belong here: leading the processes through a trial (``bench.probes.observation``),
and figures computed from a table (``bench.analysis``).
"""

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar

from bench.cluster.api import Api
from bench.cluster.identities import Identity
from bench.cluster.placement import Placement
from bench.plugins import load_plugin, plugin_names
from kube_informer import ClientConfig


class Observer(ABC):
    """One observer, in its own process: asks from ``resume`` to ``pause``."""

    title: ClassVar[str]
    """What messages call it."""
    identity: ClassVar[Identity]
    row: ClassVar[type]
    """Dataclass of its rows: the columns of its table. Times (``..._us``) are microseconds."""
    placed_by: ClassVar[str]
    """Column that says whether a row lies in the measured window."""
    requests_per_s: ClassVar[float]
    """How often it asks the API server, whatever the plan says."""
    requests: ClassVar[str]
    """What it asks the API server for, in words."""

    @classmethod  # noqa: B027 - most need no object
    def prepare(cls, admin: Api, placement: Placement) -> None:
        """Make the objects that it needs and may not make itself; called once a process."""

    @abstractmethod
    def __init__(self, config: ClientConfig, placement: Placement) -> None: ...

    @abstractmethod
    def resume(self, server: str | None, seed: str) -> None:
        """Observe from now on. ``server`` is the address of a server under test, if one runs.

        Equal seeds give equal moments.
        """

    @abstractmethod
    def pause(self) -> dict[str, Any]:
        """Stop, wait (bounded) until nothing is in flight, and return the fields of ``Seen``."""


def names() -> tuple[str, ...]:
    """Return the names of all observers, sorted."""
    return plugin_names(__name__)


def load(name: str) -> type[Observer]:
    """Return the observer called ``name``; raise ``LookupError`` if there is none.

    Raises ``TypeError`` if its file declares none.
    """
    module = load_plugin(__name__, name, "observer", LookupError)
    found = getattr(module, "OBSERVER", None)
    if not (isinstance(found, type) and issubclass(found, Observer)):
        raise TypeError(f"{module.__file__} is no observer: it lacks an OBSERVER of that class")
    return found


@cache
def observers() -> dict[str, type[Observer]]:
    """Return all observers by their names."""
    return {name: load(name) for name in names()}
