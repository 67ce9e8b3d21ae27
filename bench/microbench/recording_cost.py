"""``python -m bench.microbench.recording_cost``: what a row for each request costs the generator.

One load process, at its own top rate, records in one phase and not in the next,
in the order ABBA. The answers are as small as a single pod: the more requests a
second, the more a row weighs. Only the ratio is a claim: at least ``FLOOR``.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from bench.load.driver import Load, LoadDriver
from bench.microbench.top_speed import body_of, serving
from bench.model import Targets
from bench.supervision.watchdog import Watchdog

FLOOR = 0.95
PODS = 1


def main() -> None:
    """Measure some pairs of phases and print the ratio of rates."""
    arguments = _parser().parse_args()
    targets = Targets(namespaces=("default",), pods=(("default", "pod"),), label_selectors=("a=b",))
    with (
        Watchdog() as watchdog,
        tempfile.TemporaryDirectory() as folder,
        serving(PODS, watchdog, Path(folder), chunked=False) as url,
        LoadDriver(
            Load("list-all", (url,), arguments.users, targets), out=Path(folder), watchdog=watchdog
        ) as driver,
    ):
        driver.warm_up(1.0)
        pairs = [_pair(driver, arguments.seconds, number) for number in range(arguments.rounds)]
    ratios = sorted(recorded / bare for recorded, bare in pairs)
    middle = statistics.median(ratios)
    recorded, bare = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
    print(f"{arguments.users} connections, {arguments.rounds} pairs of {arguments.seconds:g} s")
    print(
        f"recording {recorded:,.0f}/s, not recording {bare:,.0f}/s, body {len(body_of(PODS)):,} B"
    )
    print(
        f"ratio {middle:.3f} ({ratios[0]:.3f}, {ratios[-1]:.3f}); at least {FLOOR} is wanted: "
        f"{'held' if middle >= FLOOR else 'NOT HELD'}"
    )


def _pair(driver: LoadDriver, seconds: float, number: int) -> tuple[float, float]:
    """Return answers a second with and without rows, in an order that changes from pair to pair."""
    rates = {}
    for recording in (True, False) if number % 2 == 0 else (False, True):
        ended = driver.measure(seconds) if recording else driver.warm_up(seconds)
        if ended.failed:
            raise SystemExit(f"requests failed: {ended.first_failures}")
        rates[recording] = ended.answered / seconds
    return rates[True], rates[False]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.microbench.recording_cost", description=__doc__
    )
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=8, help="pairs of phases")
    return parser


if __name__ == "__main__":
    main()
