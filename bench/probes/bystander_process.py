"""The bystander: ``python -m bench.probes.bystander_process``.

An innocent client of the API server, for one small object at a slow rate.
Orders and answers as in ``bench.probes.freshness_process``. Starts are drawn
from the seed (Poisson), so that they keep no step with the load's arrivals, and
do not wait for answers (an open model).
"""

import argparse
import queue
import threading
import time
from dataclasses import asdict
from typing import Any

from urllib3.exceptions import TimeoutError as HttpTimeoutError

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.child_rpc import Figures, Order, account_parser, client_config_of, obey
from bench.load.pacing import offsets
from bench.model import Arrivals
from bench.probes.bystander_row import BystanderRow

REQUESTS_PER_S = 25.0
OUTSTANDING = 16
"""What finds so many under way is dropped, and counted."""
TIMEOUT_S = 10.0
DRAIN_S = 2.0
OK = 200


class Bystander:
    """Sends from a few threads what a pacer hands out."""

    def __init__(self, api: Api, path: str) -> None:
        self._api = api
        self._path = path
        self._lock = threading.Condition()
        self._rows: list[BystanderRow] = []
        self._outstanding = 0
        self._halt = threading.Event()
        self._pacer: threading.Thread | None = None
        self._due: queue.SimpleQueue[tuple[list[BystanderRow], float]] = queue.SimpleQueue()
        for _ in range(OUTSTANDING):
            threading.Thread(target=self._send, daemon=True).start()

    def resume(self, seed: str) -> None:
        """Ask until paused."""
        self.pause()
        self._rows = []
        self._halt = threading.Event()
        self._pacer = threading.Thread(target=self._pace, args=(seed,), daemon=True)
        self._pacer.start()

    def pause(self) -> dict[str, Any]:
        """Stop asking, wait (bounded) until nothing is in flight, and tell what was seen."""
        self._halt.set()
        if self._pacer is not None:
            self._pacer.join()
            self._pacer = None
        with self._lock:
            self._lock.wait_for(lambda: self._outstanding == 0, DRAIN_S)
            rows = [asdict(row) for row in self._rows]
            return {"rows": rows, "in_flight": self._outstanding}

    def _pace(self, seed: str) -> None:
        begin = time.monotonic()
        endless = float("inf")
        for offset in offsets(Arrivals.POISSON, REQUESTS_PER_S, endless, f"bystander/{seed}"):
            due = begin + offset
            if self._halt.wait(max(0.0, due - time.monotonic())):
                return
            with self._lock:
                if self._outstanding == OUTSTANDING:
                    self._rows.append(BystanderRow(_us(due), None, None, 0, "dropped"))
                    continue
                self._outstanding += 1
            self._due.put((self._rows, due))

    def _send(self) -> None:
        while True:
            rows, due = self._due.get()
            sent = time.monotonic()
            status, outcome = self._ask()
            row = BystanderRow(_us(due), _us(sent), _us(time.monotonic()), status, outcome)
            with self._lock:
                rows.append(row)
                self._outstanding -= 1
                self._lock.notify_all()

    def _ask(self) -> tuple[int, str]:
        try:
            self._api.get_bytes(self._path)
        except ApiError as error:
            return error.code, "failed"
        except ApiUnreachableError as error:
            return 0, "timeout" if isinstance(error.__cause__, HttpTimeoutError) else "failed"
        return OK, "ok"


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def main() -> None:
    """Obey orders until standard input ends."""
    arguments = _arguments()
    config = client_config_of(arguments)
    api = Api(config, connections=OUTSTANDING, read_timeout_s=TIMEOUT_S)
    bystander = Bystander(api, arguments.path)

    def resume(order: Order) -> tuple[str, Figures]:
        bystander.resume(order["seed"])
        return "resumed", {}

    obey({"resume": resume, "pause": lambda _: ("paused", bystander.pause())})


def _arguments() -> argparse.Namespace:
    parser = account_parser("bench.probes.bystander_process", __doc__)
    parser.add_argument("--path", required=True, help="what is asked for, again and again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
