"""``python -m bench.load``: the load of one trial, led by JSON lines on standard input.

Standard output carries the answers (see ``bench.load.protocol``) and nothing
else; what libraries print goes to standard error with the log.

``python -m bench.load worker`` makes a part of such a load, led by its process.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while this loads: no traceback

from gevent import monkey

monkey.patch_all()  # before anything else is imported that keeps a reference to a socket

import argparse  # noqa: E402 - see above
import logging  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from bench.load.client import Questions  # noqa: E402
from bench.load.command_loop import CommandLoop, LoadSession  # noqa: E402
from bench.load.connection import Address, AddressError  # noqa: E402
from bench.load.distributed import command as worker  # noqa: E402
from bench.load.distributed.master import Gathering, MasterSession  # noqa: E402
from bench.load.distributed.messages import Assignment  # noqa: E402
from bench.load.distributed.share import WHOLE  # noqa: E402
from bench.load.models import Order  # noqa: E402
from bench.load.phases import PhaseSwitch  # noqa: E402
from bench.load.routes import RouteError, load, names  # noqa: E402
from bench.load.session import Session  # noqa: E402
from bench.load.targets import TargetsError, read_targets  # noqa: E402
from bench.model import Arrivals, LoadWorkers  # noqa: E402


def main() -> int:
    """Read the command line, start the users, and follow orders until told to stop."""
    if sys.argv[1:2] == ["worker"]:
        return worker.main(sys.argv[2:])
    arguments = _parser().parse_args()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s"
    )
    speak = _private_stdout()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = LoadWorkers(arguments.workers, arguments.expect_workers)
    try:
        session = _led(arguments, wanted) if wanted.total else _alone(arguments)
    except (RouteError, TargetsError, AddressError) as error:
        print(f"bench.load: {error}", file=sys.stderr)
        return 2
    return CommandLoop(session, arguments.users, speak).run()


def _alone(arguments: argparse.Namespace) -> LoadSession:
    return Session(_order(arguments), arguments.users, arguments.out)


def _led(arguments: argparse.Namespace, wanted: LoadWorkers) -> LoadSession:
    order = _order(arguments)  # what is wrong with it is said here, and once
    whole = Assignment(
        name="",
        share=WHOLE,
        route=arguments.route,
        servers=tuple(each.address.url for each in order.questions),
        users=arguments.users,
        targets=read_targets(arguments.targets),
        rate_rps=arguments.rate,
        arrivals=arguments.arrivals,
        seed=arguments.seed,
        timeout_s=arguments.timeout_s,
    )
    host, port = arguments.bind_host, arguments.bind_port
    gathering = Gathering(host, port, wanted, arguments.gather_s)
    return MasterSession(whole, gathering, arguments.out)


def _private_stdout() -> int:
    """Keep standard output to ourselves and send everyone's prints to standard error."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _order(arguments: argparse.Namespace) -> Order:
    asks = load(arguments.route).asks(read_targets(arguments.targets))
    return Order(
        questions=[Questions(asks, Address.of(url)) for url in arguments.server],
        switch=PhaseSwitch(),
        seed=arguments.seed,
        timeout_s=arguments.timeout_s,
        rate_rps=arguments.rate,
        arrivals=arguments.arrivals,
        outstanding=arguments.users,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.load",
        description="Load a server under test, led by JSON lines on standard input.",
        epilog=f"routes: {', '.join(names())}; see also: python -m bench.load worker --help",
    )
    parser.add_argument("--route", required=True, help="route to read; see below")
    parser.add_argument(
        "--server",
        required=True,
        action="append",
        metavar="URL",
        help="http://host:port; again for each further replica: users are spread over them "
        "evenly (closed model), arrivals go round them one by one (open model)",
    )
    parser.add_argument(
        "--users", type=_count, required=True, help="closed model: users; open model: the bound"
    )
    parser.add_argument(
        "--rate", type=_positive, metavar="RPS", help="open model: arrivals a second"
    )
    parser.add_argument("--arrivals", type=Arrivals, choices=list(Arrivals), default="constant")
    parser.add_argument(
        "--targets", type=Path, required=True, metavar="FILE", help="what may be asked for (JSON)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of route choices and arrivals")
    parser.add_argument("--timeout-s", type=_positive, default=30.0, help="of each request")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for requests.parquet"
    )
    distributed = parser.add_argument_group("several processes", "Locust's master and its workers")
    distributed.add_argument(
        "--workers", type=int, default=0, help="workers that the caller starts"
    )
    distributed.add_argument(
        "--expect-workers", type=int, default=0, help="workers that join from elsewhere"
    )
    distributed.add_argument(
        "--bind-host", default="127.0.0.1", help="address to listen on for workers"
    )
    distributed.add_argument(
        "--bind-port", type=int, default=0, help="port to listen on; 0 chooses one and reports it"
    )
    distributed.add_argument(
        "--gather-s", type=_positive, default=60.0, help="how long to wait for workers"
    )
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
