"""Observers: clients that send requests beside the load, one file each, found by its name.

Duty: an observer is a module beside this one; its file name is the name of the observer and of
its table (``bystander`` gives ``bystander.parquet``), and its ``OBSERVER`` is a class of
``Observer``: account, columns, rate and requests. Each runs in its own process (``python -m
bench.probes.observers NAME``) and in every arm, also in that without a server, so that its
cost cancels in differences. A new observer is one new file.

What does not belong here: starting and pausing the processes (``bench.probes.observation``),
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
    """One observer, in its own process: sends requests from ``resume`` to ``pause``."""

    title: ClassVar[str]
    """Its name in messages."""
    identity: ClassVar[Identity]
    row: ClassVar[type]
    """Dataclass of its rows: the columns of its table. Times (``..._us``) are microseconds."""
    placed_by: ClassVar[str]
    """Column of the time that decides whether a row lies in the measured window."""
    requests_per_s: ClassVar[float]
    """Rate of its requests to the API server, in every plan."""
    requests: ClassVar[str]
    """Its requests to the API server, as text."""

    @classmethod  # noqa: B027 - most need no object
    def prepare(cls, admin: Api, placement: Placement) -> None:
        """Create the objects that it needs and may not create itself; called once per process."""

    @abstractmethod
    def __init__(self, config: ClientConfig, placement: Placement) -> None: ...

    @abstractmethod
    def resume(self, server: str | None, seed: str) -> None:
        """Start observing. ``server`` is the address of a server under test, if one runs.

        Equal seeds give equal moments.
        """

    @abstractmethod
    def pause(self) -> dict[str, Any]:
        """Stop, wait (bounded) until nothing is in flight, and return the fields of ``Seen``."""


def names() -> tuple[str, ...]:
    """Return the names of all observers, sorted."""
    return plugin_names(__name__)


def load(name: str) -> type[Observer]:
    """Return the observer ``name``; ``LookupError`` if none, ``TypeError`` if its file lacks it."""
    module = load_plugin(__name__, name, "observer", LookupError)
    observer = getattr(module, "OBSERVER", None)
    if not (isinstance(observer, type) and issubclass(observer, Observer)):
        raise TypeError(
            f"{module.__file__} is no observer: it lacks an OBSERVER, an Observer class"
        )
    return observer


@cache
def observers() -> dict[str, type[Observer]]:
    """Return all observers by their names."""
    return {name: load(name) for name in names()}
