"""Locust users of a manual test: one class per route, with an order made when a test starts."""

import logging
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, ClassVar, TypeVar

import gevent
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner

from bench.load.client import Questions
from bench.load.connection import Address, AddressError
from bench.load.discovery import DiscoveryError
from bench.load.models import Order
from bench.load.phases import Phase, PhaseSwitch
from bench.load.routes import Ask, Route, RouteError, load
from bench.load.spec import SpecError
from bench.load.user import LoadUser
from bench.model import Arrivals, Targets

_USERS_APART = 1_000_000
"""Numbers reserved for the users of one worker, so that no two users draw alike."""

log = logging.getLogger(__name__)


class ManualUser(LoadUser):
    """A user class for one route; its order is made when a test starts."""

    abstract = True
    server: ClassVar[str] = ""
    """Name of the server to ask, where there are several."""
    route: Route
    trouble = True
    """Whether the class has no order; the reason was reported once."""

    @classmethod
    def new_phase(cls) -> Phase:
        """Return the phase of a test that begins now and ends when a person stops it."""
        return Phase("by-hand")

    def on_start(self) -> None:
        """Start the model, if there is an order; a user without one stops at its first step."""
        if self.trouble:
            return
        if self.order.switch.phase is None:
            self.order.switch.begin(self.new_phase())  # arrivals count from the first user's start
        super().on_start()


User = TypeVar("User", bound=ManualUser)


def user_class(base: type[User], name: str, route: str, module: str, **more: Any) -> type[User]:  # noqa: ANN401 - attributes
    """Return a concrete class for ``route``, a member of ``module``, where Locust looks for it."""
    loaded = load(route)
    content = {
        "route": loaded,
        "abstract": False,
        "__module__": module,
        "__doc__": loaded.description,
    }
    return type(name, (base,), content | more)


def add_arguments(parser: LocustArgumentParser, without_targets: str) -> None:
    """Add the arguments of a manual test; ``without_targets`` is the help on the default targets.

    A default of None would come back from the web page's form as a string.
    """
    parser.add_argument(
        "--targets",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help=f"targets of the requests (JSON); {without_targets}",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="arrivals per second of each class (open model); 0: ask again when answered",
    )
    parser.add_argument(
        "--arrivals",
        choices=[arrivals.value for arrivals in Arrivals],
        default=Arrivals.CONSTANT.value,
        help="with a rate: spacing of the starts",
    )
    parser.add_argument(
        "--outstanding", type=int, default=100, help="with a rate: most requests under way"
    )
    parser.add_argument("--timeout-s", type=float, default=30.0, help="of each request, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="of route choices and arrivals")


def give_orders(
    environment: Environment,
    servers: Callable[[], Mapping[str, Address]],
    targets: Callable[[], Targets],
    asks: Callable[[type[ManualUser], Targets], tuple[Ask, ...]],
) -> None:
    """Make each class's order afresh: the page's form may have changed host and arguments.

    With a rate, one user of a class offers all of it. An error is reported, and users stop then.
    """
    options = environment.parsed_options
    assert options is not None, "a locustfile is loaded by the command line"
    classes = [user for user in environment.user_classes if issubclass(user, ManualUser)]
    for user in classes:
        user.fixed_count = 1 if options.rate > 0 else 0
        user.trouble = True  # until it has its order
    if isinstance(environment.runner, MasterRunner):
        return  # its workers ask
    try:
        addresses, known_targets = servers(), targets()
        for user in classes:
            user.order = Order(
                questions=(Questions(asks(user, known_targets), addresses[user.server]),),
                switch=PhaseSwitch(),
                seed=options.seed,
                timeout_s=options.timeout_s,
                rate_rps=options.rate if options.rate > 0 else None,
                arrivals=Arrivals(options.arrivals),
                outstanding=options.outstanding,
                numbers=count(_USERS_APART * getattr(environment.runner, "worker_index", 0)),
            )
            user.trouble = False
    except (AddressError, SpecError, DiscoveryError, RouteError) as error:
        _give_up(environment, error)


def _give_up(environment: Environment, error: Exception) -> None:
    """Report ``error`` where a person looks: the log, and the page's list of exceptions."""
    log.error("%s", error)
    environment.events.user_error.fire(  # type: ignore[no-untyped-call]
        user_instance=None, exception=error, tb=None
    )
    if environment.web_ui is None and environment.runner is not None:
        environment.process_exit_code = 1
        gevent.spawn(environment.runner.quit)  # after the start, which cannot be cancelled
