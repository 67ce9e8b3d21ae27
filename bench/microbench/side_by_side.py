"""Compare contenders side by side: options, a cluster, rounds in turn, a line of figures."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.load.driver import LoadDriver, Measured
from bench.supervision.watchdog import Watchdog

T = TypeVar("T")


def options(module: str, description: str, **defaults: tuple[float, str]) -> argparse.Namespace:
    """Return the numbers of the command line, by name; ``defaults`` are (default, help) each."""
    parser = argparse.ArgumentParser(
        prog=f"python -m bench.microbench.{module}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for name, (default, text) in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=text)
    return parser.parse_args()


def say(text: str) -> None:
    """Print progress on standard error, beside the figures."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def supervised() -> Iterator[tuple[Watchdog, Path]]:
    """Give a watchdog and a folder for the length of the block."""
    with Watchdog() as watchdog, tempfile.TemporaryDirectory() as folder:
        yield watchdog, Path(folder)


@contextmanager
def populated(pods: int, watchdog: Watchdog) -> Iterator[PopulatedCluster[ControlPlane]]:
    """Populate a throwaway cluster for the length of the block."""
    say(f"filling a throwaway cluster with {pods} pods")
    start = partial(ControlPlane.start, resolve(say=say))
    with PopulatedCluster(start, watchdog, seed=1, pods=pods) as cluster:
        yield cluster


def in_turn(contenders: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Measure all contenders, round by round, every second round in reverse order."""
    results: dict[str, list[T]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            say(f"round {number + 1} of {rounds}: {name}")
            results[name].append(contenders[name]())
    return results


def measure(driver: LoadDriver, seconds: float) -> Measured:
    """Load for one window; raise ``SystemExit`` if a request fails."""
    measured = driver.measure(seconds)
    if measured.failed:
        raise SystemExit(f"requests failed: {'; '.join(measured.first_failures)}")
    return measured


def ratios(above: Iterable[float], below: Iterable[float]) -> list[float]:
    """Return the ratio of each round."""
    return [mine / theirs for mine, theirs in zip(above, below, strict=True)]


def line(title: str, values: Iterable[float], target: str = "") -> None:
    """Print the median of ``values``, the lowest and the highest, and the target."""
    numbers = list(values)
    middle, low, high = (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        for value in (median(numbers), min(numbers), max(numbers))
    )
    print(f"{title:48} {f'{middle} ({low}, {high})':24} {target}".rstrip())
