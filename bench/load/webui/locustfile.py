"""Manual load of both servers: the locustfile of ``python -m bench ui``, master and workers alike.

On another machine: ``locust -f bench/load/webui/locustfile.py --worker --master-host ADDRESS``.
"""

import os
from pathlib import Path

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.web import WebUI

from bench.load.connection import Address
from bench.load.discovery import discover
from bench.load.distributed.malformed import keep_listening
from bench.load.manual_users import ManualUser, add_arguments, give_orders
from bench.load.routes import Ask, load, names
from bench.load.spec import read_spec
from bench.load.webui import rows
from bench.load.webui.classes import SERVERS, reader_classes, shapes
from bench.load.webui.form import OF_THE_CLASS, complaint, narrowed
from bench.load.webui.form_guard import guard_page
from bench.load.webui.harness import Harness
from bench.load.webui.page import add_page
from bench.load.webui.session import Session
from bench.model import Targets

SOCKET = "INFORMER_BENCH_UI_SOCKET"
"""Environment variable with the harness's socket; only the process with the page has it."""

STOP_S = 2.0
"""Time for a stopped user to end its request: the API server counts that request, so Locust
must too."""

CLASSES = reader_classes(__name__)
globals().update(CLASSES)  # where Locust looks for them
globals().update(shapes(__name__))


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _add_arguments(parser: LocustArgumentParser) -> None:
    for server in SERVERS:
        parser.add_argument(
            f"--{server}",
            default="",
            metavar="URL",
            include_in_web_ui=False,
            help=f"address of the {server} server; the master gives it to its workers",
        )
    parser.add_argument(
        "--route",
        choices=[OF_THE_CLASS, *names()],
        default=OF_THE_CLASS,
        help="the route to ask: that of each chosen class, or this one for all of them",
    )
    parser.add_argument(
        "--namespace", default="", help="only pods of this namespace; empty: those of the route"
    )
    parser.add_argument(
        "--selector", default="", help="a label selector, such as app=web; empty: the route's"
    )
    add_arguments(parser, "where the file is missing, asks the informer for its pods")


@events.init.add_listener  # type: ignore[untyped-decorator]  # likewise
def _set_up(environment: Environment, web_ui: WebUI | None, **_: object) -> None:
    environment.stop_timeout = max(environment.stop_timeout, STOP_S)
    for user in CLASSES.values():
        user.host = getattr(environment.parsed_options, user.server) or None  # for the form's text
    rows.report_from_workers(environment, CLASSES.values())
    keep_listening(environment)
    if web_ui is None:
        return
    guard_page(environment, web_ui, complaint)
    if SOCKET not in os.environ:
        return
    harness = Harness(Path(os.environ[SOCKET]))
    collector = rows.Collector(environment, CLASSES.values())
    collector.start()
    session = Session(environment, harness, collector)
    session.follow()
    add_page(environment, web_ui, harness, session)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # likewise
def _give_orders(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    assert options is not None, "a locustfile is loaded by the command line"

    def targets() -> Targets:
        """Read the master's file; on another machine ask the informer, not the API server."""
        path = Path(options.targets)
        if options.targets and path.exists():
            return read_spec(path, Targets)
        return discover(Address.of(options.informer))

    def asks(user: type[ManualUser], known: Targets) -> tuple[Ask, ...]:
        route = user.route if options.route == OF_THE_CLASS else load(options.route)
        return narrowed(route.asks(known), options.namespace, options.selector)

    give_orders(
        environment,
        lambda: {name: Address.of(getattr(options, name)) for name in SERVERS},
        targets,
        asks,
    )


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # likewise
def _hand_over(**_: object) -> None:
    gevent.sleep(0)  # lets ending users record their rows before the last report
