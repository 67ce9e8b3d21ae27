"""Coverage of each kind of interval in a report, by simulation.

python -m bench.microbench.coverage [--write]

Rounds are drawn with the noise of the reference run; every interval is computed by the function
that a report uses. An interval is good if it holds the truth in 93 to 97% of runs; a bound, which
promises at least 95%, may hold it more often. With ``--write`` the table goes to
``docs/coverage.md``.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.analysis.comparisons import MARGIN
from bench.analysis.cost_fit import fit_rows
from bench.analysis.cost_model import CostModel, CostRow, Question
from bench.load.routes import names as route_names
from bench.metrics import BY_KEY
from bench.plan import Vocabulary, read_plan
from bench.stats import (
    LOOK_CONFIDENCE,
    Estimate,
    Events,
    Verdict,
    at_least_times,
    equivalence,
    log_ratios,
    mean,
    paired_ratio,
    poisson_bounds,
    ratio_of_means,
)
from bench.sut.registry import server_kinds

TRIES, FITS = 4_000, 1_000
"""Simulated runs: two standard errors of 95% are 0.7%, and 1.4% where a model is fitted."""
ACCEPTED = (0.93, 0.97)
NOISE = 0.08
"""Coefficient of variation of a CPU time over rounds, as in results/reference."""
MOOD = 0.10
"""Coefficient of variation of the machine's speed, which the arms of a round share."""
READ_MS, EVENT_MS, IDLE_MS, WRITE_MS = 55.0, 0.25, 120.0, 7.0
"""True unit costs, near those of results/reference at 1,000 pods: ms of control-plane CPU."""
PODS = 1_000
SAME = """\
The control says *the same* where the 99% interval of the ratio lies within {margin}. How often it
says so for equal servers depends on the noise of a round (its coefficient of variation) and on the
rounds; otherwise, the page names the difference that the rounds would have shown."""
PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of interval under one truth; ``held`` is the share of runs that held the truth."""

    kind: str
    where: str
    held: float
    is_bound: bool = False

    @property
    def is_fit(self) -> bool:
        """Whether the coverage is as promised."""
        return self.held >= ACCEPTED[0] and (self.is_bound or self.held <= ACCEPTED[1])


def rows() -> Iterator[Row]:
    """Simulate each kind of interval."""
    for rounds in (6, 12):
        yield from _paired(rounds)
    yield from _counts()
    yield from _models()


def _paired(rounds: int) -> Iterator[Row]:
    random = np.random.default_rng(rounds)
    shape = (TRIES, rounds)
    mood = random.lognormal(0.0, MOOD, shape)
    where = f"{rounds} rounds"
    base = 40.0 * mood * random.lognormal(0.0, NOISE, shape)
    small = 2.0 * mood * random.lognormal(0.0, NOISE, shape)
    yield _share("paired ratio (a twentieth)", where, paired_ratio, small, base, 1 / 20)
    # a cost above the floor: the measured cost less the floor, each with its own error
    floor = 260.0 * mood
    costs = {
        true: (floor + true) * random.normal(1, NOISE, shape)
        - floor * random.normal(1, NOISE, shape)
        for true in (0.0, 5.0, 550.0)
    }
    yield _share(
        "paired difference",
        f"{where}, 5 ms/s against 550",
        lambda a, b: mean([x - y for x, y in zip(a, b, strict=True)]),
        *(costs[5.0], costs[550.0], 5.0 - 550.0),
    )
    for true in (0.0, 5.0):
        yield _share(
            "share of a baseline (Fieller)",
            f"{where}, {true:g} of 550 ms/s",
            lambda a, b: ratio_of_means(a, b, 0.95),
            *(costs[true], costs[550.0], true / 550.0),
        )
    yield _share("mean of a cost", f"{where}, 5 ms/s", lambda a, _: mean(a), costs[5.0], small, 5.0)


def _share(
    kind: str,
    where: str,
    interval: Callable[[list[float], list[float]], Estimate | None],
    costs: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    base: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    truth: float,
) -> Row:
    estimates = [interval(a, b) for a, b in zip(costs.tolist(), base.tolist(), strict=True)]
    stated = [estimate for estimate in estimates if estimate is not None]
    return Row(kind, where, sum(bool(estimate.holds(truth)) for estimate in stated) / len(stated))


def _counts() -> Iterator[Row]:
    random = np.random.default_rng(1)
    for events in (0.5, 3.0, 20.0):
        counted = random.poisson(events, TRIES)
        ends = [poisson_bounds(int(count)) for count in counted]
        held = sum(low <= events <= high for low, high in ends) / TRIES
        yield Row("count of events (exact Poisson)", f"{events:g} expected", held, is_bound=True)
    counted, many = random.poisson(1.0, TRIES), random.poisson(800.0, TRIES)
    bounds = [
        at_least_times(Events(int(more), 1.0), Events(int(less), 1.0))
        for more, less in zip(many, counted, strict=True)
    ]
    held = sum(bound is not None and bound <= 800.0 for bound in bounds) / TRIES
    yield Row("at least so many times fewer requests", "800 against 1", held, is_bound=True)


def _models() -> Iterator[Row]:
    """Fit the cost model to simulated runs of the plan sweep, and of one rate alone."""
    sweep = read_plan("sweep", Vocabulary(server_kinds(), route_names()))
    cells = [(s.pods, s.churn_per_s, s.rate_rps or 0.0) for s in sweep.scenarios if s.is_open]
    for name, design, rounds in (
        ("plan sweep", cells, sweep.rounds),
        ("one rate, 12 rounds", [(PODS, 20.0, 10.0)], 12),
    ):
        held: dict[str, list[bool]] = {}
        for seed in range(FITS):
            model = fit_rows(BY_KEY["apiserver_cpu"], list(_drawn(design, rounds, seed)))
            assert isinstance(model, CostModel), "the design tells the unit costs apart"
            for kind, holds in _held(model):
                held.setdefault(kind, []).append(holds)
        for kind, all_ in held.items():
            yield Row(kind, name, sum(all_) / len(all_))


def _drawn(cells: Sequence[tuple[int, float, float]], rounds: int, seed: int) -> Iterator[CostRow]:
    """Yield the rows of a run: the arms of a round and scenario share the floor's own error."""
    random = np.random.default_rng(seed)
    for number in range(1, rounds + 1):
        for pods, churn, reads in cells:
            mood = random.lognormal(0.0, 0.03)
            base = (IDLE_MS + WRITE_MS * churn) * mood
            floor = base * random.normal(1.0, 0.03)
            above = {"direct": reads * READ_MS * pods / PODS, "informer": churn * EVENT_MS}
            for arm, cost in above.items():
                spent = (base + cost * mood) * random.normal(1.0, 0.03)
                where = f"{pods}-{churn}-{reads}"
                yield CostRow(where, number, arm, pods, reads, churn, spent - floor, floor, reads)


def _held(model: CostModel) -> Iterator[tuple[str, bool]]:
    truths = {"direct": READ_MS, "informer": EVENT_MS}
    for unit in model.units:
        truth = {"pod in a read": READ_MS / PODS, "read": truths["direct"]}.get(
            unit.per, truths["informer"]
        )
        if model.knows_pods and unit.per == "read":
            truth = 0.0  # all of a read grows with the pods
        if unit.estimate.bounds is not None:
            yield f"unit cost of a {unit.per}", bool(unit.estimate.holds(truth))
    # the informer's start is priced as one read, over the lifetime
    question = Question(0.0, PODS, 20.0)
    even = (20.0 * EVENT_MS + READ_MS / question.lifetime_s) / READ_MS
    rate = model.break_even("direct", question)
    if rate.low is not None:
        high = math.inf if rate.high is None else rate.high
        yield "break-even rate (Fieller)", rate.low <= even <= high


def same_against_same() -> Iterator[str]:
    """Yield rows of how often equal servers, and ones a tenth apart, are found the same."""
    random = np.random.default_rng(3)
    for noise in (0.03, 0.05, 0.08, 0.12):
        for rounds in (6, 12):
            shares = {}
            for truth in (1.0, 1.0 + MARGIN):
                again = truth * random.lognormal(0.0, noise, (TRIES, rounds))
                base = random.lognormal(0.0, noise, (TRIES, rounds))
                pairs = zip(again.tolist(), base.tolist(), strict=True)
                verdicts = [_verdict(a, b) for a, b in pairs]
                shares[truth] = verdicts.count(Verdict.EQUIVALENT) / TRIES
            alike, apart = shares.values()
            yield f"| {noise:.0%} | {rounds} | {alike:.0%} | {apart:.1%} |"


def _verdict(again: list[float], base: list[float]) -> Verdict:
    logs = log_ratios(again, base)
    return equivalence(mean(logs or [], LOOK_CONFIDENCE), math.log1p(MARGIN))


def page(table: Sequence[Row]) -> str:
    """Return the table as a page of Markdown."""
    paragraphs = (__doc__ or "").strip().split("\n\n")
    lines = [
        *(
            "# Coverage of the intervals",
            "",
            paragraphs[2].rpartition(" With ")[0].replace("``", "`"),
            "",
        ),
        *("Made by `python -m bench.microbench.coverage --write`.", ""),
        *("| interval | truth | holds it in | promised |", "|:--|:--|--:|:--|"),
    ]
    for row in table:
        promised = "at least 95%" if row.is_bound else "93 to 97%"
        lines.append(f"| {row.kind} | {row.where} | {row.held:.1%} | {promised} |")
    lines += [
        *("", "## A server against itself", "", SAME.format(margin=f"{MARGIN:.0%}")),
        *("", "| noise | rounds | equal: the same | a tenth apart: the same |"),
        *("|--:|--:|--:|--:|", *same_against_same(), ""),
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table; return 1 if a coverage is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.microbench.coverage")
    parser.add_argument("--write", action="store_true", help=f"write it to docs/{PAGE.name}")
    options = parser.parse_args()
    table = list(rows())
    text = page(table)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return 0 if all(row.is_fit for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
