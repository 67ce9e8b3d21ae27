"""Load by hand: ``locust -f bench/load/locustfile.py --class-picker --host http://127.0.0.1:PORT``.

Every route is a user class of its own, named after it (``list-all`` is
``ListAll``); choose some on the command line, or in the web page's class picker.
With ``--rate`` each chosen class is one user of the open model.
"""

import logging
from argparse import Namespace
from itertools import count
from pathlib import Path

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner

from bench.load.asking import Questions
from bench.load.connection import Address, AddressError
from bench.load.discovery import DiscoveryError, discover
from bench.load.models import Order
from bench.load.phase import Phase, Stage
from bench.load.routes import Ask, Route, RouteError, load, names
from bench.load.targets import TargetsError, read_targets
from bench.load.user import LoadUser
from bench.model import Arrivals, Targets

_USERS_APART = 1_000_000
"""Numbers kept for the users of one worker, so that no two users anywhere draw alike."""

log = logging.getLogger(__name__)


class ByHand(LoadUser):
    """A user class for one route; its order is made when a test starts."""

    abstract = True
    route: Route
    trouble = True
    """Whether the class could not be given an order; the reason was told once."""

    def on_start(self) -> None:
        """Begin, if there is an order; a user without a model stops at its first step."""
        if self.trouble:
            return
        if self.order.stage.phase is None:
            self.order.stage.begin(Phase("by-hand"))  # arrivals count from the first user's start
        super().on_start()


def _class_name(route: str) -> str:
    return "".join(word.capitalize() for word in route.split("-"))


def _user_class(route: Route) -> type[ByHand]:
    content = {"route": route, "abstract": False, "__doc__": route.description}
    return type(_class_name(route.name), (ByHand,), {**content, "__module__": __name__})


CLASSES = [_user_class(load(name)) for name in names()]
globals().update({each.__name__: each for each in CLASSES})  # where Locust looks for them


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # likewise
def _add_arguments(parser: LocustArgumentParser) -> None:
    # A default of None would come back from the web page's form as a string.
    parser.add_argument(
        "--targets",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help="what may be asked for (JSON); without it the server is asked once for its pods",
    )
    parser.add_argument(
        "--rate", type=float, default=0.0, help="arrivals a second of each class; 0: closed model"
    )
    parser.add_argument(
        "--arrivals", choices=[each.value for each in Arrivals], default=Arrivals.CONSTANT.value
    )
    parser.add_argument(
        "--outstanding", type=int, default=100, help="with a rate: most requests under way"
    )
    parser.add_argument("--timeout-s", type=float, default=30.0, help="of each request, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="of route choices and arrivals")


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _give_orders(environment: Environment, **_: object) -> None:
    """Make each class's order afresh: the page's form may have changed host and arguments."""
    options = environment.parsed_options
    assert options is not None, "a locustfile is loaded by the command line"
    classes = [each for each in environment.user_classes if issubclass(each, ByHand)]
    for each in classes:
        each.fixed_count = 1 if options.rate > 0 else 0  # one user holds the whole rate
        each.trouble = True  # until it has its order
    if isinstance(environment.runner, MasterRunner):
        return  # its workers ask
    first_number = _USERS_APART * getattr(environment.runner, "worker_index", 0)
    try:
        address = Address.of(environment.host or "")
        targets = _targets(options.targets, address)
        for each in classes:
            each.order = _order(each.route.asks(targets), options, address, first_number)
            each.trouble = False
    except (AddressError, TargetsError, DiscoveryError, RouteError) as error:
        _give_up(environment, error)


def _targets(file: str, address: Address) -> Targets:
    return read_targets(Path(file)) if file else discover(address)


def _order(asks: tuple[Ask, ...], options: Namespace, address: Address, first_number: int) -> Order:
    return Order(
        questions=Questions(asks, address),
        stage=Stage(),
        seed=options.seed,
        timeout_s=options.timeout_s,
        rate_rps=options.rate if options.rate > 0 else None,
        arrivals=Arrivals(options.arrivals),
        outstanding=options.outstanding,
        numbers=count(first_number),
    )


def _give_up(environment: Environment, error: Exception) -> None:
    """Say what is wrong where a person looks: the log, and the page's list of exceptions."""
    log.error("%s", error)
    environment.events.user_error.fire(  # type: ignore[no-untyped-call]
        user_instance=None, exception=error, tb=None
    )
    if environment.web_ui is None and environment.runner is not None:
        environment.process_exit_code = 1
        gevent.spawn(environment.runner.quit)  # once it has started, which cannot be called off
