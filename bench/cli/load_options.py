"""Options for the load generator: one process, or Locust workers here and elsewhere."""

import argparse
import ipaddress
from dataclasses import dataclass

from bench.cli.arguments import number, whole_number
from bench.load.spec import DistributedLoad
from bench.model import LoadWorkers, Plan, RunRecord
from bench.plan import PlanError
from bench.run.resume import require_same_load
from bench.supervision.ports import usable_port

MASTER_PORT = 5557
"""Locust's default port."""
MOST = 64
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Load options of the command line; ``bind`` is an address and a port."""

    workers: LoadWorkers
    bind: tuple[str, int] | None
    within_s: float | None

    @classmethod
    def of(cls, options: argparse.Namespace) -> "LoadOptions":
        """Read the options that ``add_load_options`` added."""
        workers = LoadWorkers(options.load_workers, options.expect_load_workers)
        return cls(workers, options.load_bind, options.load_within)

    @property
    def given(self) -> bool:
        """Whether the command line has a load option."""
        return self.workers.total > 0 or self.bind is not None or self.within_s is not None

    def distributed(self, resumed: RunRecord | None = None) -> DistributedLoad | None:
        """Return the load workers of a new run, or of one that is ``resumed``.

        A resumed run keeps its number of workers, so the options need not name it. Raises
        ``PlanError``, ``PortTaken``, and ``ResumeError`` for another number.
        """
        workers = self.workers
        if resumed is not None:
            if workers.total:
                require_same_load(resumed, workers)
            workers = resumed.load_workers
        if workers.elsewhere and self.bind is None:
            raise PlanError(
                f"{workers}: name an address of this machine that those reach with "
                "--load-bind ADDRESS[:PORT]"
            )
        for option, value in (("--load-bind", self.bind), ("--load-within", self.within_s)):
            if value is not None and not workers.elsewhere:
                raise PlanError(f"{option} is for workers from elsewhere: --expect-load-workers N")
        if not workers.total:
            return None
        if self.bind is None:
            return DistributedLoad(workers)
        host, port = self.bind
        option = "--load-bind ADDRESS:PORT" if port else "--load-bind ADDRESS"
        port = usable_port(host, port, option=option)
        return DistributedLoad(workers, host, port, self.within_s or WITHIN_S)


NEW_RUN = (
    "Default: one process. Several share users and rate evenly; each trial's record holds their "
    "shares, CPU, schedule lag and clock offsets. --resume uses as many as the run started with."
)
MORE_ROUNDS = """\
--buy uses as many as the run started with. Workers from elsewhere need --load-bind again:
the address is not recorded."""


def add_load_options(parser: argparse.ArgumentParser, description: str = NEW_RUN) -> None:
    """Add ``--load-workers``, ``--expect-load-workers``, ``--load-bind``, ``--load-within``."""
    group = parser.add_argument_group("load generator", description)
    group.add_argument(
        "--load-workers",
        type=whole_number(0, MOST),
        default=0,
        metavar="N",
        help="Locust workers to start here",
    )
    group.add_argument(
        "--expect-load-workers",
        type=whole_number(0, MOST),
        default=0,
        metavar="N",
        help="workers on other machines, each started there with: python -m bench.load "
        "worker --master ADDRESS:PORT (needs only this repository and its lock file)",
    )
    group.add_argument(
        "--load-bind",
        type=_address,
        metavar="ADDRESS[:PORT]",
        help="address of this machine where these reach Locust's master and the servers under "
        f"test. There is no password: whoever reaches it can join (port {MASTER_PORT}; 0 "
        "chooses one)",
    )
    group.add_argument(
        "--load-within",
        type=number(0.1, 3600),
        metavar="S",
        help=f"seconds that a trial waits for workers from elsewhere ({WITHIN_S:g})",
    )


def check_workers(plan: Plan, distributed: DistributedLoad | None) -> None:
    """Raise ``PlanError`` for too many workers, or workers that cannot reach a server."""
    if distributed is None:
        return
    for scenario in plan.scenarios:
        if scenario.users < distributed.workers.total:
            raise PlanError(
                f"the scenario {scenario.name!r} has {scenario.users} users: too few for "
                f"{distributed.workers.total} load workers, of which each needs one"
            )
    if distributed.workers.elsewhere and plan.external:
        raise PlanError(
            f"the server {plan.external[0].name!r} listens on 127.0.0.1: load workers from "
            "elsewhere cannot reach it"
        )


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(MASTER_PORT)
    host = host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{host!r} is no IP address of this machine") from error
    if address.is_unspecified:
        raise argparse.ArgumentTypeError(
            "workers connect to this address: name one of this machine's, not all of them"
        )
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{port!r} is not a port")
    return host, int(port)
