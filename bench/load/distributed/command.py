"""``python -m bench.load worker``: a worker that joins one load after the other until it is ended.

Each load runs in its own process, so nothing of one trial is left in the next. The parent process
lives from the first load to the last, and imports none of the modules that its children need.
"""

import argparse
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import bench

OVER = 0
NOBODY = 4
REFUSED = 3
AGAIN = 75
"""The master has all its workers, or is no master: ``EX_TEMPFAIL`` of sysexits.h, try again."""
AGAIN_AFTER_S = 1.0
ENDING = (signal.SIGTERM, signal.SIGINT)
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
DESCRIPTION = """\
Generate a part of the load of "python -m bench run --expect-load-workers N" on this machine.
The worker needs this repository at the same version and its lock file installed, nothing else:
the master sends the requests to make and the servers' addresses. After each trial the worker
waits for the next. It ends when no master appears for --wait-s, on Ctrl-C, or when refused."""


def main(argv: list[str]) -> int:
    """Read the command line and join loads; return the exit code."""
    arguments = _parser().parse_args(argv)
    return _join(arguments) if arguments.once else _keep_joining(argv)


def _keep_joining(argv: list[str]) -> int:
    """Start a process for each load until a signal comes or a process ends for good."""
    child = [sys.executable, "-m", "bench.load", "worker", *argv, "--once"]
    under_way: list[subprocess.Popen[bytes]] = []
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        for process in under_way:
            process.send_signal(number)  # a terminal has sent it already; a second does no harm

    for number in ENDING:
        signal.signal(number, end)
    while not ended:
        with subprocess.Popen(child, cwd=Path(bench.__file__).parents[1]) as process:
            under_way[:] = [process]
            if ended:  # the signal came while the process was being started
                process.send_signal(ended[0])
            code = process.wait()
        if code == AGAIN:
            time.sleep(AGAIN_AFTER_S)
        elif code != OVER and not ended:
            return code
    return 128 + ended[0]


def _join(arguments: argparse.Namespace) -> int:
    from gevent import monkey

    monkey.patch_all()  # before anything else is imported that keeps a reference to a socket
    import gevent

    from bench.load.distributed.worker import (
        Master,
        NoAnswerError,
        NobodyThereError,
        Refusal,
        Worker,
    )

    host, port = arguments.master
    worker = Worker(Master(host, port, arguments.name, arguments.source), _say)
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        worker.end()

    for number in ENDING:
        gevent.signal_handler(number, end, number)
    try:
        worker.run(arguments.wait_s)
    except NobodyThereError as error:
        _say(str(error))
        return NOBODY
    except NoAnswerError as error:
        _say(str(error))
        return AGAIN
    except Refusal as refusal:
        _say(f"refused: {refusal}")
        return AGAIN if refusal.may_retry else REFUSED
    return 128 + ended[0] if ended else OVER


def _say(text: str) -> None:
    print(f"bench.load worker: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.load worker",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--master",
        type=_address,
        required=True,
        metavar="HOST:PORT",
        help="address that the run prints when it starts",
    )
    parser.add_argument(
        "--name",
        type=_name,
        help="name of this worker in the record, which should not reveal its host (default: "
        "elsewhere-1, elsewhere-2, ...)",
    )
    parser.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="ADDRESS",
        help="local address to connect from, if this machine has several",
    )
    parser.add_argument(
        "--wait-s",
        type=float,
        default=1800.0,
        metavar="S",
        help="end when no master appears for S seconds (default: %(default)g)",
    )
    parser.add_argument("--once", action="store_true", help="join one load, then end")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a name of lower-case letters, digits and hyphens"
        )
    return text
