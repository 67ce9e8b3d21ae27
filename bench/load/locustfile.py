"""Load by hand: ``locust -f bench/load/locustfile.py --class-picker --host http://127.0.0.1:PORT``.

Every route is a user class of its own, named after it (``list-all`` is
``ListAll``); choose some on the command line, or in the web page's class picker.
With ``--rate`` each chosen class is one user of the open model. The web page asks the
server that ``--host`` names, and no other.
"""

from collections.abc import Mapping
from pathlib import Path

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner
from locust.web import WebUI

from bench.load.connection import Address, AddressError
from bench.load.discovery import DiscoveryError, discover
from bench.load.distributed.malformed import keep_listening
from bench.load.manual_users import ManualUser, give_up, make_order, prepare
from bench.load.routes import Route, RouteError, load, names
from bench.load.targets import TargetsError, read_targets
from bench.load.webui.form_guard import guard_page
from bench.model import Arrivals, Targets


def _class_name(route: str) -> str:
    return "".join(word.capitalize() for word in route.split("-"))


def _user_class(route: Route) -> type[ManualUser]:
    content = {"route": route, "abstract": False, "__doc__": route.description}
    return type(_class_name(route.name), (ManualUser,), {**content, "__module__": __name__})


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


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _set_up(environment: Environment, web_ui: WebUI | None, **_: object) -> None:
    keep_listening(environment)
    if web_ui is None:
        return
    server = environment.host

    def complaint(form: Mapping[str, str]) -> str | None:
        if not server:
            return "Start Locust with --host URL: the page asks that server, and no other"
        if form.get("host", server) != server:
            return f"Host must stay {server}: the page asks the server of --host, and no other"
        return None

    guard_page(environment, web_ui, complaint)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _give_orders(environment: Environment, **_: object) -> None:
    """Make each class's order afresh: the page's form may have changed host and arguments."""
    options = environment.parsed_options
    assert options is not None, "a locustfile is loaded by the command line"
    classes = [each for each in environment.user_classes if issubclass(each, ManualUser)]
    prepare(classes, options)
    if isinstance(environment.runner, MasterRunner):
        return  # its workers ask
    try:
        address = Address.of(environment.host or "")
        targets = _targets(options.targets, address)
        for each in classes:
            each.order = make_order(each.route.asks(targets), options, address, environment)
            each.trouble = False
    except (AddressError, TargetsError, DiscoveryError, RouteError) as error:
        give_up(environment, error)


def _targets(file: str, address: Address) -> Targets:
    return read_targets(Path(file)) if file else discover(address)
