"""The first screen: one sentence, the picture, what an informer gains, and what it costs."""

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
SPOKEN_OF = {True: (*CPU, "api_requests"), False: (*CPU, "throughput")}
"""What the first sentence speaks of under a fixed rate, and at full speed: the first of these that
was compared."""
CORES = ("control_plane_cpu", "server_cpu")
"""Whose cores the reads are counted that they carry."""
MEDIAN = percentile_name(min(PERCENTILES))
GAINS_SHOWN = 3
"""As many as there are costs: what a reader keeps in mind."""
GAINS = (("api_requests", True), ("api_bytes", False), (MEDIAN, False))
PRICE = (("memory_end", False), ("ready", False))
"""What an informer saves, and what it takes; how old its answers are is said apart."""


class Pair(NamedTuple):
    """Two servers of a scenario: the subject, and the first that it is compared with."""

    place: ScenarioAnalysis
    subject: Arm
    other: Arm


def choose(analysis: RunAnalysis, at: Question | None = None) -> list[ScenarioAnalysis]:
    """Return the scenarios that the first screen speaks of: one at a fixed rate, one at full speed.

    Of each the first that can compare, else the first; with ``at``, what the verdict speaks of,
    the one that is nearest to it.
    """

    def distance(one: ScenarioAnalysis) -> tuple[float, ...]:
        if at is None:
            return ()
        own = one.scenario
        pairs = (own.pods, at.pods), (own.churn_per_s, at.churn_per_s), (own.replicas, at.replicas)
        return tuple(abs(a - b) for a, b in (*pairs, (own.rate_rps or 0.0, at.reads_per_s)))

    measured = [one for one in analysis.scenarios if one.arms]
    chosen = []
    for is_open in (True, False):
        found = [one for one in measured if one.scenario.is_open is is_open]
        chosen += sorted([one for one in found if one.comparisons] or found, key=distance)[:1]
    return chosen


def answer(analysis: RunAnalysis, chosen: Sequence[ScenarioAnalysis]) -> Sentence:
    """Return the first sentence of a run."""
    if not analysis.scenarios:
        return fault_answer(analysis) or Sentence(sentences.NO_SCENARIO)
    return scenario_answer(next(iter(chosen), analysis.scenarios[0]), analysis)


def scenario_answer(scenario: ScenarioAnalysis, analysis: RunAnalysis) -> Sentence:
    """Return the sentence of one scenario: what was compared, or why nothing was."""
    subject = scenario.subject
    if subject is None and scenario.base:
        return sentences.base_answer(scenario.scenario.name, against_base(scenario))
    if subject is None:
        if not scenario.scenario.has_load and scenario.contenders:
            objects = analysis.plan.objects
            return sentences.bill(scenario.contenders[0], scenario.scenario, objects)
        return Sentence(sentences.nothing_to_compare(scenario), tone="unsure")
    baselines = [arm for arm in scenario.contenders if arm is not subject]
    if not scenario.scenario.has_load:
        return _of_clients(scenario, baselines[0], analysis.plan.objects)
    silent = [arm.server for arm in (*baselines, subject) if not arm.reads]
    if not subject.reads or len(silent) == len(baselines):
        return Sentence(sentences.no_read(silent), tone="bad")
    baseline = next(arm for arm in baselines if arm.reads)
    on = sentences.processors(analysis.environment, analysis.plan.cpus)
    for key in SPOKEN_OF[scenario.scenario.is_open]:
        # Of a whole process, churn included, an amount is nobody's: a comparison has to do, and at
        # full speed, where each answers another number of reads, none of costs is fair.
        has_floor = key in CPU and any(arm.is_floor for arm in scenario.arms)
        costs = sentences.read_costs(subject, baseline, BY_KEY[key]) if has_floor else None
        if key in CPU and costs is None and not scenario.scenario.is_open:
            continue
        per_1000 = costs is not None or key == "api_requests"
        found = scenario.comparison(key, baseline.server, per_1000=per_1000)
        if found is not None:
            in_go = sentences.in_go(*_peers(scenario, subject, baseline), BY_KEY[key])
            return sentences.headline(
                scenario.scenario,
                found,
                len(scenario.pairs(found)),
                processors=on,
                costs=costs,
                in_go=in_go if costs is not None else "",
            )
    return Sentence(sentences.NO_PAIR, tone="unsure")


def _peers(scenario: ScenarioAnalysis, *spoken_of: Arm) -> tuple[Arm | None, Arm | None]:
    """Return the informer in Go and the client in Go that asks each time, if not spoken of yet."""
    found = [scenario.arm(name) for name in ("informer-go", "direct-go")]
    own, other = (None if arm in spoken_of else arm for arm in found)
    return own, other


def _of_clients(scenario: ScenarioAnalysis, baseline: Arm, objects: Sequence[Objects]) -> Sentence:
    """Return the sentence of two clients: the first cost that tells them apart."""
    keys = SPOKEN_OF[True]
    found = [one for key in keys if (one := scenario.comparison(key, baseline.server)) is not None]
    if not found:
        return Sentence(sentences.NO_PAIR, tone="unsure")
    one = next((one for one in found if one.direction is not Direction.UNCLEAR), found[0])
    rounds = len(scenario.pairs(one))
    return sentences.headline(scenario.scenario, one, rounds, processors="", objects=objects)


def _pairs(chosen: Sequence[ScenarioAnalysis]) -> list[Pair]:
    """Return the pair of each scenario that has one: with load, of servers that answered."""
    found = []
    for one in chosen:
        subject = one.subject
        able = [arm for arm in one.contenders if arm.reads or not one.scenario.has_load]
        others = [arm for arm in able if arm is not subject]
        if subject is not None and subject in able and others:
            found.append(Pair(one, subject, others[0]))
    return found


# Gains and costs.


def gains_and_costs(
    chosen: Sequence[ScenarioAnalysis], notes: dict[str, Notes]
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return the first gains, and the costs with what became worse against all hope.

    The picture beside them has bytes and latency, and the scenarios have everything. A gain that
    a scenario does not compare like for like is taken from the other, and says so.
    """
    pairs = _pairs(chosen)
    if not pairs:
        return (), ()
    if not pairs[0].place.scenario.has_load:
        return _sides_of_clients(pairs[0], notes)
    shown, open_, worse = list[Sentence](), list[Sentence](), list[Sentence]()
    carried = (_carried(pairs, BY_KEY[key]) for key in CORES)
    said = [known for known in carried if known is not None]
    said += [_compared(pairs, notes, BY_KEY[key], per_1000=per_1000) for key, per_1000 in GAINS]
    for found, one in said:
        side = _side(found) if found is not None else None
        {True: shown, False: worse, None: open_}[side].append(one)
    costs = list[Sentence]()
    for key, per_1000 in PRICE:
        found, one = _compared(pairs, notes, BY_KEY[key], per_1000=per_1000)
        cheaper = found is not None and _side(found) is True
        (shown if cheaper else costs).append(one)
    stale = sentences.stale(pairs[0].subject, pairs[0].other)
    return (*shown, *open_)[:GAINS_SHOWN], (*costs, stale, *worse)


def _carried(pairs: Sequence[Pair], metric: Metric) -> tuple[Comparison | None, Sentence] | None:
    """Return how many reads a core carries, at full speed if that was measured."""
    for place, *arms in reversed(pairs):
        if metric.above_floor and not any(arm.is_floor for arm in place.arms):
            continue
        found = place.comparison(metric.key, arms[1].server, per_1000=True)
        own, other = (arm.figure(metric.key, per_1000=True) for arm in arms)
        if found is not None and own is not None and other is not None:
            said = sentences.carried(found, own, other)
            return found, _placed(said, place, pairs)
    return None


def _placed(said: Sentence, place: ScenarioAnalysis, pairs: Sequence[Pair]) -> Sentence:
    """Say under which load a line was measured, where that is not the first sentence's."""
    if place is pairs[0].place:
        return said
    return replace(said, detail=listed([sentences.at_load(place.scenario), said.detail], "; "))


def _sides_of_clients(
    pair: Pair, notes: dict[str, Notes]
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return in what the subject needs less than the client that it is compared with, or more."""
    sides: dict[bool | None, list[Sentence]] = {True: [], False: [], None: []}
    for one in compared(pair.place, pair.other.server):
        # A shell that sleeps between two clients holds nothing at the end.
        peak = pair.place.comparison("memory_peak", pair.other.server)
        found = peak if peak is not None and one.metric == "memory_end" else one
        said = _compared([pair], notes, found.definition, per_1000=False)[1]
        sides[_side(found)].append(said)
    return tuple(sides[True]), tuple(sides[False])


def _compared(
    pairs: Sequence[Pair], notes: dict[str, Notes], metric: Metric, *, per_1000: bool
) -> tuple[Comparison | None, Sentence]:
    """Return a comparison, of the first scenario that has it, and both values in words."""
    for place, *arms in pairs:
        alike = Load.FIXED_RATE if place.scenario.is_open else Load.FULL_SPEED
        restated = metric.key == MEDIAN and not place.scenario.is_open
        if metric.load not in (Load.ANY, alike) or restated:
            continue  # at full speed the median says nothing that the throughput does not
        row = metric_row(metric, arms, notes[place.scenario.name], per_1000=per_1000)
        if row is None or any(cell.value == MISSING for cell in row.cells):
            continue
        found = place.comparison(metric.key, arms[1].server, per_1000=per_1000)
        own, other = (with_unit(cell.value, row.unit) for cell in row.cells)
        said = sentences.both(metric, found, (own, other), per_1000=per_1000)
        return found, _placed(said, place, pairs)
    return None, sentences.uncompared(
        metric, fixed_rate=any(p.place.scenario.is_open for p in pairs)
    )


def _side(found: Comparison) -> bool | None:
    """Tell whether a comparison is a gain; ``None``: it shows nothing."""
    if found.times is None or found.direction is Direction.SAME or found.times.value == 1:
        return None
    if found.direction is Direction.UNCLEAR and found.times.bounds is not None:
        return None
    return (found.times.value > 1) is found.definition.higher_is_better


# The picture.


def picture(chosen: Sequence[ScenarioAnalysis], notes: dict[str, Notes]) -> Iterator[Lane]:
    """Return a lane for the server that asks each time, and one for the informer."""
    pair = next(iter(_pairs(chosen)), None)
    alone = [(one, one.contenders[0]) for one in chosen if one.contenders]
    shown = [(pair.place, pair.other), (pair.place, pair.subject)] if pair else alone[:1]
    for place, arm in shown:
        if arm.reads:
            yield _lane(place, arm, notes[place.scenario.name])


def _lane(place: ScenarioAnalysis, arm: Arm, notes: Notes) -> Lane:
    def shown(key: str) -> str:
        metric = BY_KEY[key]
        figure = arm.figure(key)
        if metric.above_floor and figure is not None and figure.value is not None:
            scale = scale_for([figure.value, figure.high], metric.unit)
            if figure.low is not None and figure.low <= 0 and figure.high is not None:
                least = "\N{LESS-THAN OR EQUAL TO} " if figure.high > 0 else ""
                return f"{least}{scale.quantity(max(figure.high, 0.0))}"
            return scale.quantity(max(figure.value, 0.0))
        row = metric_row(metric, (arm,), notes)
        if row is None or row.cells[0].value == MISSING:
            return MISSING
        return with_unit(row.cells[0].value, row.unit)

    scenario = place.scenario
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
    words = prose.texts("picture")
    cached = arm.server == "informer" or arm.api_requests == 0
    return Lane(
        arm.server,
        words.get(arm.server, words["other"]).format(arm=arm.server),
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
        words["description"].format(arm=arm.server, **slots),
        cached,
    )
