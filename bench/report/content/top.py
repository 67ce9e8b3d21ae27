"""The first screen: the headline, the picture, an informer's gains and its costs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from bench.analysis.cost_model import Question
from bench.analysis.result import Arm, Comparison, Direction, RunAnalysis, ScenarioAnalysis
from bench.metrics import BY_KEY, PERCENTILES, Load, Metric, percentile_name
from bench.model import Objects
from bench.model.message import listed, message
from bench.report import prose, sentences
from bench.report.content.faults import fault_answer
from bench.report.content.rows import Notes, against_base, compared, metric_row
from bench.report.document import Lane, Sentence
from bench.report.numbers import MISSING, number, scale_for, with_unit

CPU = ("control_plane_cpu", "apiserver_cpu")
HEADLINE_KEYS = {True: (*CPU, "api_requests"), False: (*CPU, "throughput")}
"""Metrics of the headline at a fixed rate, and at full speed; it is about the first compared."""
CORES = ("control_plane_cpu", "server_cpu")
"""The CPU metrics from which the reads that a core carries are counted."""
MEDIAN = percentile_name(min(PERCENTILES))
GAINS_SHOWN = 3
"""As many as there are costs: few enough for a reader to remember."""
GAINS = (("api_requests", True), ("api_bytes", False), (MEDIAN, False))
PRICE = (("memory_end", False), ("ready", False))
"""An informer's savings, and its price; the age of its answers has a separate sentence."""


class Pair(NamedTuple):
    """Two servers of a scenario: the subject, and its first baseline."""

    result: ScenarioAnalysis
    subject: Arm
    other: Arm


def choose(analysis: RunAnalysis, at: Question | None = None) -> list[ScenarioAnalysis]:
    """Return the scenarios of the first screen: one at a fixed rate, one at full speed.

    Of each kind, scenarios with a comparison have priority; of these it is the first, or, with
    ``at``, the situation that the verdict is about, the one nearest to it.
    """

    def distance(result: ScenarioAnalysis) -> tuple[float, ...]:
        if at is None:
            return ()
        scenario = result.scenario
        here = scenario.pods, scenario.churn_per_s, scenario.replicas, scenario.rate_rps or 0.0
        there = at.pods, at.churn_per_s, at.replicas, at.reads_per_s
        return tuple(abs(a - b) for a, b in zip(here, there, strict=True))

    measured = [result for result in analysis.scenarios if result.arms]
    chosen = []
    for is_open in (True, False):
        alike = [result for result in measured if result.scenario.is_open is is_open]
        comparing = [result for result in alike if result.comparisons]
        chosen += sorted(comparing or alike, key=distance)[:1]
    return chosen


def answer(analysis: RunAnalysis, chosen: Sequence[ScenarioAnalysis]) -> Sentence:
    """Return the headline of a run."""
    if not analysis.scenarios:
        return fault_answer(analysis) or Sentence(sentences.NO_SCENARIO)
    return scenario_answer(next(iter(chosen), analysis.scenarios[0]), analysis)


def scenario_answer(result: ScenarioAnalysis, analysis: RunAnalysis) -> Sentence:
    """Return the sentence of one scenario: its comparison, or why it has none."""
    subject = result.subject
    if subject is None and result.base:
        return sentences.base_answer(result.scenario.name, against_base(result))
    if subject is None:
        if not result.scenario.has_load and result.contenders:
            objects = analysis.plan.objects
            return sentences.bill(result.contenders[0], result.scenario, objects)
        return Sentence(sentences.nothing_to_compare(result), tone="unsure")
    baselines = [arm for arm in result.contenders if arm is not subject]
    if not result.scenario.has_load:
        return _of_clients(result, baselines[0], analysis.plan.objects)
    silent = [arm.server for arm in (*baselines, subject) if not arm.reads]
    if not subject.reads or len(silent) == len(baselines):
        return Sentence(sentences.no_read(silent), tone="bad")
    baseline = next(arm for arm in baselines if arm.reads)
    processors = sentences.processors(analysis.environment, analysis.plan.cpus)
    for key in HEADLINE_KEYS[result.scenario.is_open]:
        # Without a floor, CPU includes churn, so an amount is not the reads' own: only a comparison
        # is fair, and at full speed, where servers answer different numbers of reads, none is.
        has_floor = key in CPU and any(arm.is_floor for arm in result.arms)
        costs = sentences.read_costs(subject, baseline, BY_KEY[key]) if has_floor else None
        if key in CPU and costs is None and not result.scenario.is_open:
            continue
        per_1000 = costs is not None or key == "api_requests"
        comparison = result.comparison(key, baseline.server, per_1000=per_1000)
        if comparison is not None:
            in_go = sentences.in_go(*_peers(result, subject, baseline), BY_KEY[key])
            return sentences.headline(
                result.scenario,
                comparison,
                len(result.pairs(comparison)),
                processors=processors,
                costs=costs,
                in_go=in_go if costs is not None else "",
            )
    return Sentence(sentences.NO_PAIR, tone="unsure")


def _peers(result: ScenarioAnalysis, *spoken_of: Arm) -> tuple[Arm | None, Arm | None]:
    """Return the informer and the direct server in Go; ``None`` for one in the headline already."""
    peers = [result.arm(name) for name in ("informer-go", "direct-go")]
    informer, direct = (None if arm in spoken_of else arm for arm in peers)
    return informer, direct


def _of_clients(result: ScenarioAnalysis, baseline: Arm, objects: Sequence[Objects]) -> Sentence:
    """Return the sentence of two clients, on the first cost that clearly differs."""
    by_key = (result.comparison(key, baseline.server) for key in HEADLINE_KEYS[True])
    comparisons = [comparison for comparison in by_key if comparison is not None]
    if not comparisons:
        return Sentence(sentences.NO_PAIR, tone="unsure")
    comparison = next(
        (comparison for comparison in comparisons if comparison.direction is not Direction.UNCLEAR),
        comparisons[0],
    )
    rounds = len(result.pairs(comparison))
    return sentences.headline(result.scenario, comparison, rounds, processors="", objects=objects)


def _pairs(chosen: Sequence[ScenarioAnalysis]) -> list[Pair]:
    """Return the pair of each scenario that has one; under load, of servers that answered."""
    pairs = []
    for result in chosen:
        subject = result.subject
        answering = [arm for arm in result.contenders if arm.reads or not result.scenario.has_load]
        others = [arm for arm in answering if arm is not subject]
        if subject is not None and subject in answering and others:
            pairs.append(Pair(result, subject, others[0]))
    return pairs


# Gains and costs.


def gains_and_costs(
    chosen: Sequence[ScenarioAnalysis], notes: dict[str, Notes]
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return the first gains, and the costs, which include unexpected losses.

    The picture beside them has bytes and latency, and the scenarios have everything. A gain that
    one scenario does not compare like for like comes from the other, and its sentence says so.
    """
    pairs = _pairs(chosen)
    if not pairs:
        return (), ()
    if not pairs[0].result.scenario.has_load:
        return _sides_of_clients(pairs[0], notes)
    shown, open_, worse = list[Sentence](), list[Sentence](), list[Sentence]()
    carried = (_carried(pairs, BY_KEY[key]) for key in CORES)
    lines = [line for line in carried if line is not None]
    lines += [_compared(pairs, notes, BY_KEY[key], per_1000=per_1000) for key, per_1000 in GAINS]
    for comparison, sentence in lines:
        side = _side(comparison) if comparison is not None else None
        {True: shown, False: worse, None: open_}[side].append(sentence)
    costs = list[Sentence]()
    for key, per_1000 in PRICE:
        comparison, sentence = _compared(pairs, notes, BY_KEY[key], per_1000=per_1000)
        cheaper = comparison is not None and _side(comparison) is True
        (shown if cheaper else costs).append(sentence)
    stale = sentences.stale(pairs[0].subject, pairs[0].other)
    return (*shown, *open_)[:GAINS_SHOWN], (*costs, stale, *worse)


def _carried(pairs: Sequence[Pair], metric: Metric) -> tuple[Comparison | None, Sentence] | None:
    """Return the number of reads that a core carries, at full speed if that was measured."""
    for result, *arms in reversed(pairs):
        if metric.above_floor and not any(arm.is_floor for arm in result.arms):
            continue
        comparison = result.comparison(metric.key, arms[1].server, per_1000=True)
        subject, other = (arm.figure(metric.key, per_1000=True) for arm in arms)
        if comparison is not None and subject is not None and other is not None:
            sentence = sentences.carried(comparison, subject, other)
            return comparison, _placed(sentence, result, pairs)
    return None


def _placed(sentence: Sentence, result: ScenarioAnalysis, pairs: Sequence[Pair]) -> Sentence:
    """Add the load under which a line was measured, if it is not the headline's."""
    if result is pairs[0].result:
        return sentence
    detail = listed([sentences.at_load(result.scenario), sentence.detail], "; ")
    return replace(sentence, detail=detail)


def _sides_of_clients(
    pair: Pair, notes: dict[str, Notes]
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return the costs in which the subject needs less than the other client, and more."""
    sides: dict[bool | None, list[Sentence]] = {True: [], False: [], None: []}
    for comparison in compared(pair.result, pair.other.server):
        # A shell that sleeps between two clients holds no memory at the end, so its peak is shown.
        peak = pair.result.comparison("memory_peak", pair.other.server)
        shown = peak if peak is not None and comparison.metric == "memory_end" else comparison
        sentence = _compared([pair], notes, shown.definition, per_1000=False)[1]
        sides[_side(shown)].append(sentence)
    return tuple(sides[True]), tuple(sides[False])


def _compared(
    pairs: Sequence[Pair], notes: dict[str, Notes], metric: Metric, *, per_1000: bool
) -> tuple[Comparison | None, Sentence]:
    """Return a metric's comparison in the first scenario that has one, and both values in words."""
    for result, *arms in pairs:
        alike = Load.FIXED_RATE if result.scenario.is_open else Load.FULL_SPEED
        restated = metric.key == MEDIAN and not result.scenario.is_open
        if metric.load not in (Load.ANY, alike) or restated:
            continue  # at full speed the median adds nothing to the throughput
        row = metric_row(metric, arms, notes[result.scenario.name], per_1000=per_1000)
        if row is None or any(cell.value == MISSING for cell in row.cells):
            continue
        comparison = result.comparison(metric.key, arms[1].server, per_1000=per_1000)
        subject, other = (with_unit(cell.value, row.unit) for cell in row.cells)
        sentence = sentences.both(metric, comparison, (subject, other), per_1000=per_1000)
        return comparison, _placed(sentence, result, pairs)
    fixed_rate = any(pair.result.scenario.is_open for pair in pairs)
    return None, sentences.uncompared(metric, fixed_rate=fixed_rate)


def _side(comparison: Comparison) -> bool | None:
    """Tell whether a comparison is a gain; ``None`` if it shows no difference."""
    times, direction = comparison.times, comparison.direction
    if times is None or direction is Direction.SAME or times.value == 1:
        return None
    if direction is Direction.UNCLEAR and times.bounds is not None:
        return None
    return (times.value > 1) is comparison.definition.higher_is_better


# The picture.


def picture(chosen: Sequence[ScenarioAnalysis], notes: dict[str, Notes]) -> Iterator[Lane]:
    """Yield a lane for the server that asks each time, and one for the informer."""
    pair = next(iter(_pairs(chosen)), None)
    alone = [(result, result.contenders[0]) for result in chosen if result.contenders]
    shown = [(pair.result, pair.other), (pair.result, pair.subject)] if pair else alone[:1]
    for result, arm in shown:
        if arm.reads:
            yield _lane(result, arm, notes[result.scenario.name])


def _lane(result: ScenarioAnalysis, arm: Arm, notes: Notes) -> Lane:
    def shown(key: str) -> str:
        metric = BY_KEY[key]
        figure = arm.figure(key)
        if metric.above_floor and figure is not None and figure.value is not None:
            scale = scale_for([figure.value, figure.high], metric.unit)
            if figure.low is not None and figure.low <= 0 and figure.high is not None:
                least = "\N{LESS-THAN OR EQUAL TO} " if figure.high > 0 else ""
                return f"{least}{scale.quantity(max(figure.high, 0.0), up=True)}"
            return scale.quantity(max(figure.value, 0.0))
        row = metric_row(metric, (arm,), notes)
        if row is None or row.cells[0].value == MISSING:
            return MISSING
        return with_unit(row.cells[0].value, row.unit)

    scenario = result.scenario
    reads = f"{number(scenario.rate_rps)}/s" if scenario.is_open else shown("throughput")
    cpu = next((s for key in CPU if (s := shown(key)) != MISSING), MISSING)
    slots = {
        "reads": reads,
        "requests": shown("api_requests"),
        "bytes": shown("api_bytes"),
        "etcd": shown("etcd_requests"),
        "wait": shown(MEDIAN),
        "memory": shown("memory_end"),
        "cpu": cpu,
        "pods": f"{scenario.pods:,}",
    }
    texts = prose.texts("picture")
    cached = arm.server == "informer" or arm.api_requests == 0
    return Lane(
        arm.server,
        texts.get(arm.server, texts["other"]).format(arm=arm.server),
        (
            (slots["reads"], (message("reads"),)),
            (slots["requests"], (message("requests"), slots["bytes"])),
            (slots["etcd"], (message("requests"),)),
        ),
        (
            (slots["wait"], message("median read")),
            (slots["memory"], message("of memory")),
            (slots["cpu"], message("of CPU")),
        ),
        texts["description"].format(arm=arm.server, **slots),
        cached,
    )
