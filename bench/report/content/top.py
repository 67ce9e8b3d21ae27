"""The first screen: one sentence, the picture, what an informer gains, and what it costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.result import Arm, Comparison, Direction, RunAnalysis, ScenarioAnalysis
from bench.metrics import BY_KEY, PERCENTILES, Load, Metric, percentile_name
from bench.report import prose, sentences
from bench.report.content.faults import fault_answer
from bench.report.content.rows import Notes, metric_row
from bench.report.document import Lane, Sentence
from bench.report.numbers import MISSING, number, scale_for

CPU = ("control_plane_cpu", "apiserver_cpu", "api_requests")
"""What the first sentence speaks of under a fixed rate: the first of these that was compared."""
MEDIAN = percentile_name(min(PERCENTILES))
GAINS = (("api_requests", True), ("api_bytes", False), (MEDIAN, False), ("throughput", False))
PRICE = (("memory_end", False), ("ready", False))
"""What an informer saves, and what it takes; how old its answers are is said apart."""
MOST = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The scenarios that the first screen speaks of: a fixed rate, and full speed."""

    steady: ScenarioAnalysis | None
    capacity: ScenarioAnalysis | None

    @property
    def chosen(self) -> list[ScenarioAnalysis]:
        """Those that there are, the one at a fixed rate first."""
        return [one for one in (self.steady, self.capacity) if one is not None]


def choose(analysis: RunAnalysis) -> Choice:
    """Return the first open and the first closed scenario that can compare; else the first."""

    def first(found: Sequence[ScenarioAnalysis]) -> ScenarioAnalysis | None:
        comparing = [one for one in found if one.comparisons]
        return next(iter(comparing or found), None)

    measured = [one for one in analysis.scenarios if one.arms]
    return Choice(
        first([one for one in measured if one.scenario.is_open]),
        first([one for one in measured if not one.scenario.is_open]),
    )


def answer(analysis: RunAnalysis, choice: Choice) -> Sentence:
    """Return the first sentence of a run."""
    if not analysis.scenarios:
        return fault_answer(analysis) or Sentence(sentences.NO_SCENARIO)
    return scenario_answer(next(iter(choice.chosen), analysis.scenarios[0]))


def scenario_answer(scenario: ScenarioAnalysis) -> Sentence:
    """Return the sentence of one scenario: what was compared, or why nothing was."""
    subject = scenario.subject
    if subject is None:
        return Sentence(sentences.nothing_to_compare(scenario), tone="unsure")
    baselines = [arm for arm in scenario.contenders if arm is not subject]
    silent = [arm.server for arm in (*baselines, subject) if not arm.reads]
    if not subject.reads or len(silent) == len(baselines):
        return Sentence(sentences.no_read(silent), tone="bad")
    baseline = next(arm for arm in baselines if arm.reads)
    for key in CPU if scenario.scenario.is_open else ("throughput",):
        found = scenario.comparison(key, baseline.server, per_1000=key == "api_requests")
        if found is not None:
            return sentences.headline(
                scenario.scenario, found, BY_KEY[key], len(scenario.pairs(found))
            )
    return Sentence(sentences.NO_PAIR, tone="unsure")


def pair_of(scenario: ScenarioAnalysis | None) -> tuple[Arm, Arm] | None:
    """Return the subject and the first server with reads that it is compared with."""
    subject = scenario.subject if scenario else None
    if scenario is None or subject is None or not subject.reads:
        return None
    others = (arm for arm in scenario.contenders if arm is not subject and arm.reads)
    other = next(others, None)
    return (subject, other) if other is not None else None


# Gains and costs.


def gains_and_costs(
    choice: Choice, notes: dict[str, Notes]
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return three gains, and three costs with what became worse against all hope.

    A gain that a scenario does not compare like for like is taken from the other.
    """
    places = [one for one in choice.chosen if pair_of(one) is not None]
    if not places:
        return (), ()
    shown, open_, worse = list[Sentence](), list[Sentence](), list[Sentence]()
    for key, per_1000 in GAINS:
        found, said = _compared(places, notes, BY_KEY[key], per_1000=per_1000)
        side = _side(BY_KEY[key], found)
        {True: shown, False: worse, None: open_}[side].append(said)
    costs = [_compared(places, notes, BY_KEY[key], per_1000=per)[1] for key, per in PRICE]
    pair = pair_of(places[0])
    assert pair is not None, "only places with a pair were kept"
    return tuple([*shown, *open_][:MOST]), (*costs, sentences.stale(*pair), *worse)


def _compared(
    places: Sequence[ScenarioAnalysis], notes: dict[str, Notes], metric: Metric, *, per_1000: bool
) -> tuple[Comparison | None, Sentence]:
    """Return a comparison, of the first scenario that has it, and both values in words."""
    for place in places:
        alike = Load.FIXED_RATE if place.scenario.is_open else Load.FULL_SPEED
        pair = pair_of(place)
        restated = metric.key == MEDIAN and not place.scenario.is_open
        if pair is None or metric.load not in (Load.ANY, alike) or restated:
            continue  # at full speed the median says nothing that the throughput does not
        row = metric_row(metric, pair, notes[place.scenario.name], per_1000=per_1000)
        if row is None or any(cell.value == MISSING for cell in row.cells):
            continue
        found = place.comparison(metric.key, pair[1].server, per_1000=per_1000)
        own, other = (
            f"{cell.value} {row.unit}".rstrip().replace(" /s", "/s") for cell in row.cells
        )
        return found, sentences.both(metric, found, (own, other), per_1000=per_1000)
    return None, sentences.uncompared(metric, fixed_rate=any(p.scenario.is_open for p in places))


def _side(metric: Metric, found: Comparison | None) -> bool | None:
    """Tell whether a comparison is a gain; ``None``: it shows nothing."""
    if found is None or found.times is None or found.direction is Direction.SAME:
        return None
    if found.direction is Direction.UNCLEAR and found.times.bounds is not None:
        return None
    return (found.times.value > 1) is metric.higher_is_better


# The picture.


def picture(choice: Choice, notes: dict[str, Notes]) -> Iterator[Lane]:
    """Return a lane for the server that asks each time, and one for the informer."""
    place = next((one for one in choice.chosen if pair_of(one) is not None), None)
    if place is None:
        place = next((one for one in choice.chosen if one.contenders), None)
    if place is None:
        return
    subject, other = pair_of(place) or (None, place.contenders[0])
    for arm in (other, subject):
        if arm is not None and arm.reads:
            yield _lane(place, arm, notes[place.scenario.name])


def _lane(place: ScenarioAnalysis, arm: Arm, notes: Notes) -> Lane:
    def shown(key: str, *, unit: str = "") -> str:
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
        return f"{row.cells[0].value} {unit or row.unit}".strip()

    def per_second(text: str) -> str:
        return text if text == MISSING else text.replace(" /s", "/s")

    scenario = place.scenario
    reads = (
        f"{number(scenario.rate_rps)}/s" if scenario.is_open else per_second(shown("throughput"))
    )
    cpu = next((s for key in CPU[:2] if (s := shown(key)) != MISSING), MISSING)
    slots = {
        "reads": reads,
        "requests": per_second(shown("api_requests")),
        "bytes": shown("api_bytes"),
        "etcd": per_second(shown("etcd_requests")),
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
            (slots["reads"], ("reads",)),
            (slots["requests"], ("requests", slots["bytes"])),
            (slots["etcd"], ("requests",)),
        ),
        ((slots["wait"], "median read"), (slots["memory"], "of memory"), (slots["cpu"], "of CPU")),
        words["description"].format(arm=arm.server, **slots),
        cached,
    )
