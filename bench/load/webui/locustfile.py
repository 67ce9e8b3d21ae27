"""Both servers by hand: what ``python -m bench ui`` gives to Locust, master and workers alike.

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
"""Names the harness's socket; set by the harness, so only in the process with the page."""

STOP_S = 2.0
"""How long a user that is stopped may take to end the request it has begun: the API server counts
that one, so Locust has to."""

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
            help=f"where the {server} server listens; a worker is told by the master",
        )
    parser.add_argument(
        "--route",
        choices=[OF_THE_CLASS, *names()],
        default=OF_THE_CLASS,
        help="what is asked for: what the chosen classes are named after, or this for all of them",
    )
    parser.add_argument(
        "--namespace", default="", help="only pods of this namespace; empty: as the route says"
    )
    parser.add_argument(
        "--selector", default="", help="a label selector, such as app=web; empty: as the route says"
    )
    add_arguments(parser, "where it is not, the informer is asked for its pods")


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
        """Read the master's file; on another machine ask the informer: no API server is asked."""
        path = Path(options.targets)
        if options.targets and path.exists():
            return read_spec(path, Targets)
        return discover(Address.of(options.informer))

    def asks(user: type[ManualUser], held: Targets) -> tuple[Ask, ...]:
        route = user.route if options.route == OF_THE_CLASS else load(options.route)
        return narrowed(route.asks(held), options.namespace, options.selector)

    give_orders(
        environment,
        lambda: {name: Address.of(getattr(options, name)) for name in SERVERS},
        targets,
        asks,
    )


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # likewise
def _hand_over(**_: object) -> None:
    gevent.sleep(0)  # users that end now have their rows counted before the last report
