"""``python -m bench.load FOLDER``: the load of one trial, led by JSON lines on standard input.

Standard output carries the answers (``bench.load.protocol``) alone; libraries' prints go to
standard error with the log.
"""

import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while this loads: no traceback

if __name__ == "__main__" and sys.argv[1:2] == ["worker"]:
    from bench.load.distributed.command import main as join  # its children import the rest

    sys.exit(join(sys.argv[2:]))

from gevent import monkey

monkey.patch_all()  # before anything else is imported that keeps a reference to a socket

import argparse  # noqa: E402 - see above
import logging  # noqa: E402
import os  # noqa: E402
from pathlib import Path  # noqa: E402

from bench.load.command_loop import CommandLoop  # noqa: E402
from bench.load.connection import AddressError  # noqa: E402
from bench.load.distributed.master import MasterSession  # noqa: E402
from bench.load.models import order_of  # noqa: E402
from bench.load.routes import RouteError  # noqa: E402
from bench.load.session import LoadSession, Session  # noqa: E402
from bench.load.spec import FILE, Load, SpecError, read_spec  # noqa: E402


def main() -> int:
    """Read the specification, start the users, and follow orders until end of input or a signal."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.load",
        description="Load a server under test, led by JSON lines on standard input.",
        epilog="see also: python -m bench.load worker --help",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=f"with {FILE}; for the rows")
    folder: Path = parser.parse_args().folder
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s"
    )
    output = _private_stdout()
    try:
        load = read_spec(folder / FILE, Load)
        session = _session(load, folder)
    except (RouteError, SpecError, AddressError) as error:
        print(f"bench.load: {error}", file=sys.stderr)
        return 2
    return CommandLoop(session, load.users, output).run()


def _session(load: Load, folder: Path) -> LoadSession:
    order = order_of(load)  # raises here and once if the load is invalid
    if load.distributed is None:
        return Session(order, load.users, folder)
    return MasterSession(load, load.distributed, folder)


def _private_stdout() -> int:
    """Return a copy of standard output's descriptor, and send all prints to standard error."""
    private = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return private


if __name__ == "__main__":
    sys.exit(main())
