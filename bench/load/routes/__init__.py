"""Routes: the requests made to a server, one file per route, found by its name.

A route is a module beside this one: its file name, with dashes for underscores,
is the route's name, its docstring the description, and its function ``asks(targets)``
returns the requests and their weights. A new route is one new file.

A route is plain data and pure functions: no network, no locust. Equal targets
give equal asks in equal order, since the equality phase asks them too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from bench.model import Targets
from bench.plugins import load_plugin, plugin_names


@dataclass(frozen=True, slots=True)
class Ask:
    """One question that a route may ask.

    ``path`` is the request target, query included and percent-encoded;
    ``weight`` its share among the route's asks (any positive number); ``label``
    the template it is reported under, such as ``/pods/<namespace>``.
    """

    path: str
    weight: float
    label: str


@dataclass(frozen=True, slots=True)
class Route:
    """A route loaded by its name."""

    name: str
    description: str
    make: Callable[[Targets], tuple[Ask, ...]]

    def asks(self, targets: Targets) -> tuple[Ask, ...]:
        """Return the route's questions about these targets, in a fixed order.

        Raises ``RouteError`` when the targets leave it no question, or when
        the route's file gives a weight that is not positive.
        """
        asks = self.make(targets)
        if not asks:
            content = (
                f"{len(targets.namespaces)} namespaces, {len(targets.pods)} pods, "
                f"{len(targets.label_selectors)} label selectors"
            )
            raise RouteError(f"route {self.name!r} finds nothing to ask for among {content}")
        for ask in asks:
            if not ask.weight > 0:
                raise RouteError(
                    f"route {self.name!r} gives {ask.path!r} the weight {ask.weight}; "
                    "a weight must be above 0"
                )
        return asks


class RouteError(ValueError):
    """Raised when a route does not exist, its file is not a route, or it has no question."""


def names() -> tuple[str, ...]:
    """Return the names of all routes, sorted."""
    return plugin_names(__name__)


def load(name: str) -> Route:
    """Return the route ``name``; raise ``RouteError`` naming the nearest one if there is none."""
    module = load_plugin(__name__, name, "route", RouteError)
    make = getattr(module, "asks", None)
    if not callable(make):
        raise RouteError(f"{module.__file__} is no route: it lacks a function asks(targets)")
    return Route(name, (module.__doc__ or "").strip(), make)


def selector_query(selector: str) -> str:
    """Return ``selector`` percent-encoded for a query string."""
    return quote(selector, safe="")
