"""Both servers by hand: what ``python -m bench ui`` gives to Locust, master and workers alike.

On another machine: ``locust -f bench/load/webui/locustfile.py --worker --master-host ADDRESS``.
"""

import os
from pathlib import Path

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner
from locust.web import WebUI

from bench.load.connection import Address, AddressError
from bench.load.discovery import DiscoveryError, discover
from bench.load.distributed.malformed import keep_listening
from bench.load.manual_users import give_up, make_order, prepare
from bench.load.routes import RouteError, load
from bench.load.targets import TargetsError, read_targets
from bench.load.webui import arguments, rows, shapes
from bench.load.webui.classes import SERVERS, Reader, reader_classes
from bench.load.webui.form import OF_THE_CLASS, complaint
from bench.load.webui.form_guard import guard_page
from bench.load.webui.harness import Harness
from bench.load.webui.narrowing import narrowed
from bench.load.webui.page import add_page
from bench.load.webui.session import Session
from bench.model import Targets

SOCKET = "INFORMER_BENCH_UI_SOCKET"
"""Names the harness's socket; set by the harness, so only in the process with the page."""

STOP_S = 2.0
"""How long a user that is stopped may take to end the request it has begun: the API server counts
that one, so Locust has to."""

CLASSES = reader_classes(__name__)
globals().update(CLASSES)  # where Locust looks for them
globals().update(shapes.named(__name__))


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _add_arguments(parser: LocustArgumentParser) -> None:
    arguments.add_arguments(parser)


@events.init.add_listener  # type: ignore[untyped-decorator]  # likewise
def _set_up(environment: Environment, web_ui: WebUI | None, **_: object) -> None:
    environment.stop_timeout = max(environment.stop_timeout, STOP_S)
    for each in CLASSES.values():
        each.host = getattr(environment.parsed_options, each.server) or None  # for the form's text
    rows.report_from_workers(environment, CLASSES.values())
    keep_listening(environment)
    if web_ui is None:
        return
    guard_page(environment, web_ui, complaint)
    if SOCKET not in os.environ:
        return
    harness = Harness(Path(os.environ[SOCKET]))
    collector = rows.Collector()
    rows.collect(environment, CLASSES.values(), collector)
    session = Session(environment, harness, collector)
    session.follow()
    add_page(environment, web_ui, harness, session)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # likewise
def _give_orders(environment: Environment, **_: object) -> None:
    """Make each class's order afresh: the page's form may have changed the arguments."""
    options = environment.parsed_options
    assert options is not None, "a locustfile is loaded by the command line"
    classes = [each for each in environment.user_classes if issubclass(each, Reader)]
    prepare(list(classes), options)
    if isinstance(environment.runner, MasterRunner):
        return  # its workers ask
    try:
        addresses = {name: Address.of(getattr(options, name)) for name in SERVERS}
        targets = _targets(options.targets, addresses[SERVERS[0]])
        for each in classes:
            chosen = options.route != OF_THE_CLASS
            route = load(options.route) if chosen else each.route
            asks = narrowed(route.asks(targets), options.namespace, options.selector)
            each.order = make_order(asks, options, addresses[each.server], environment)
            each.trouble = False
    except (AddressError, TargetsError, DiscoveryError, RouteError) as error:
        give_up(environment, error)


def _targets(file: str, informer: Address) -> Targets:
    """Read the master's file; on another machine ask the informer, which costs no API server."""
    path = Path(file)
    return read_targets(path) if file and path.exists() else discover(informer)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # likewise
def _hand_over(**_: object) -> None:
    gevent.sleep(0)  # users that end now have their rows counted before the last report
