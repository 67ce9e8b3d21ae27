"""``python -m bench.microbench.recording_cost``: what a row for each request costs the generator.

One load process, at its own top rate, records in one phase and not in the next,
in the order ABBA. The answers are as small as a single pod: the more requests a
second, the more a row weighs. Only the ratio is a claim: at least ``FLOOR``.
"""

from functools import partial

from bench.load.driver import Load, LoadDriver
from bench.microbench.side_by_side import in_turn, line, options, ratios, supervised
from bench.microbench.top_speed import TARGETS, body_of, serving

FLOOR = 0.95
PODS = 1


def main() -> None:
    """Measure some pairs of phases and print the ratio of rates."""
    wanted = options(
        "recording_cost",
        __doc__,
        users=(8, "connections"),
        seconds=(3.0, "of each phase"),
        rounds=(8, "pairs of phases"),
    )
    with (
        supervised() as (watchdog, folder),
        serving(PODS, watchdog, folder, chunked=False) as url,
        LoadDriver(
            Load("list-all", (url,), wanted.users, TARGETS), out=folder, watchdog=watchdog
        ) as driver,
    ):
        driver.warm_up(1.0)
        rate = partial(_rate, driver, wanted.seconds)
        contenders = {"recording": partial(rate, True), "not recording": partial(rate, False)}
        rates = in_turn(contenders, wanted.rounds)
    print(f"{wanted.users} connections, body {len(body_of(PODS)):,} B; median (lowest, highest)")
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
