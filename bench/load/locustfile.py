"""Manual load: ``locust -f bench/load/locustfile.py --class-picker --host http://127.0.0.1:PORT``.

Every route is a user class named after it (``list-all`` is ``ListAll``); with ``--rate`` each
chosen class is one user of the open model. The page loads the server of ``--host`` alone.
"""

from collections.abc import Mapping
from pathlib import Path

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.web import WebUI

from bench.load.connection import Address
from bench.load.discovery import discover
from bench.load.distributed.malformed import keep_listening
from bench.load.manual_users import ManualUser, add_arguments, give_orders, user_class
from bench.load.routes import names
from bench.load.spec import read_spec
from bench.load.webui.form_guard import guard_page
from bench.model import Targets

for _route in names():
    _name = _route.title().replace("-", "")
    globals()[_name] = user_class(ManualUser, _name, _route, __name__)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # likewise
def _add_arguments(parser: LocustArgumentParser) -> None:
    add_arguments(parser, "default: asks the server once for its pods")


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _set_up(environment: Environment, web_ui: WebUI | None, **_: object) -> None:
    keep_listening(environment)
    if web_ui is None:
        return
    server = environment.host

    def complaint(form: Mapping[str, str]) -> str | None:
        if not server:
            return "Start Locust with --host URL: the page loads that server, and no other"
        if form.get("host", server) != server:
            return f"Host must stay {server}: the page loads the server of --host, and no other"
        return None

    guard_page(environment, web_ui, complaint)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's hooks are untyped
def _give_orders(environment: Environment, **_: object) -> None:
    def address() -> Address:
        return Address.of(environment.host or "")

    def targets() -> Targets:
        file = environment.parsed_options.targets if environment.parsed_options else ""
        return read_spec(Path(file), Targets) if file else discover(address())

    give_orders(
        environment, lambda: {"": address()}, targets, lambda user, known: user.route.asks(known)
    )
