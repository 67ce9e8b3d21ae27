"""``python -m bench.microbench.recording_cost``: the generator's cost of a row per request.

One load process, at its top rate, records in one phase and not in the next,
in the order ABBA. The answers are as small as a single pod: the cost of a row weighs
more at more requests per second. Only the ratio is a claim: at least ``FLOOR``.
"""

from functools import partial

from bench.load.driver import Load, LoadDriver
from bench.microbench.side_by_side import in_turn, line, options, ratios, supervised
from bench.microbench.top_speed import TARGETS, body_of, serving

FLOOR = 0.95
PODS = 1


def main() -> None:
    """Measure pairs of phases and print the ratio of rates."""
    arguments = options(
        "recording_cost",
        __doc__,
        users=(8, "connections"),
        seconds=(3.0, "length of each phase"),
        rounds=(8, "pairs of phases"),
    )
    with (
        supervised() as (watchdog, folder),
        serving(PODS, watchdog, folder, chunked=False) as url,
        LoadDriver(
            Load("list-all", (url,), arguments.users, TARGETS), out=folder, watchdog=watchdog
        ) as driver,
    ):
        driver.warm_up(1.0)
        rate = partial(_rate, driver, arguments.seconds)
        contenders = {"recording": partial(rate, True), "not recording": partial(rate, False)}
        rates = in_turn(contenders, arguments.rounds)
    print(f"{arguments.users} connections, body {len(body_of(PODS)):,} B; median (lowest, highest)")
    for name, values in rates.items():
        line(f"answers a second, {name}", values)
    line("ratio", ratios(*rates.values()), f">= {FLOOR}")


def _rate(driver: LoadDriver, seconds: float, recording: bool) -> float:
    ended = driver.measure(seconds) if recording else driver.warm_up(seconds)
    if ended.failed:
        raise SystemExit(f"requests failed: {ended.first_failures}")
    return ended.answered / seconds


if __name__ == "__main__":
    main()
