"""A user class for each server and route, named so that the class picker reads well."""

from typing import ClassVar

from bench.load.manual_users import ManualUser
from bench.load.phases import Phase
from bench.load.recorder import Recorder
from bench.load.routes import Route, load, names

SERVERS = ("informer", "direct")
_WEIGHTS = {"list-all": 10}
"""The first users of a start with every class chosen: the same question for each server."""


class Reader(ManualUser):
    """Reads one route of one server; each request is reported under the server's name."""

    abstract = True
    server: ClassVar[str]

    @classmethod
    def new_phase(cls) -> Phase:
        """Return a phase whose requests become rows."""
        return Phase("by-hand", recorder=Recorder(cls.order.questions[0].labels))

    @classmethod
    def reported_as(cls, label: str) -> str:
        """Return the name of the row in Locust's statistics."""
        return f"{cls.server} {label}"


def class_name(server: str, route: str) -> str:
    """Return what the class picker shows, such as ``informer: list all``."""
    return f"{server}: {route.replace('-', ' ')}"


def reader_classes(module: str) -> dict[str, type[Reader]]:
    """Return the classes by name, as members of ``module``, where Locust looks for them."""
    made = {}
    for server in SERVERS:
        for route in names():
            made[class_name(server, route)] = _reader(server, load(route), module)
    return made


def _reader(server: str, route: Route, module: str) -> type[Reader]:
    content = {"server": server, "route": route, "abstract": False, "__module__": module}
    content |= {"weight": _WEIGHTS.get(route.name, 1), "__doc__": route.description}
    return type(class_name(server, route.name), (Reader,), content)
