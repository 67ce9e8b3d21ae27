"""The sentences of a report, as messages in English; no other module makes any.

Each outcome has one whole sentence with slots for names and figures; none is assembled
from parts of others. Fixed texts (method, glossary) are in ``prose``, titles and
words of metrics in ``bench.metrics``, other languages in the catalogues of ``language``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bench.analysis.comparisons import Precision
from bench.analysis.cost_model import LIFETIME_S, BreakEven, CostModel, Question
from bench.analysis.faults import FaultArm
from bench.analysis.result import (
    Arm,
    Comparison,
    Control,
    Direction,
    Figure,
    ScenarioAnalysis,
    SeriesArm,
)
from bench.metrics import BY_KEY, Load, Metric
from bench.model import Base, CaveatKind, Cpus, Environment, Objects, Plan, RunState, Scenario
from bench.model.message import Message, listed, message, plural
from bench.report import prose
from bench.report.document import Sentence
from bench.report.numbers import (
    MISSING,
    NO_BREAK,
    SLOW,
    Scale,
    number,
    per_cent,
    rate,
    scale_for,
    share,
    share_at_least,
    signed,
    span_of,
    times,
    times_at_least,
    times_at_most,
    with_unit,
)
from bench.stats import CONFIDENCE, INDICATIVE_BELOW, Estimate

THE_SERVER = message("the server {name}")
NO_DIFFERENCE = message("no difference shown")
VOID = message("Do not quote figures of this run.")
NO_SCENARIO = message("This run has no scenario, so there is nothing to show.")
NO_PAIR = message("No round has two servers, so there is nothing to compare.")
NO_TRIAL = message("No trial of this scenario succeeded, so there is nothing to show.")
FLOOR_ONLY = message("Only the idle baseline was measured, so there is nothing to compare.")


class Factor(NamedTuple):
    """A comparison in words, ``14 times shorter``, and its interval, ``12 to 16``.

    ``bound``: the words state a bound, which holds with 95% confidence.
    """

    text: str
    spread: str = ""
    bound: bool = False


def void_title(kind: CaveatKind, state: RunState) -> str:
    """Return the heading of a kind of caveat that voids a run."""
    if kind is CaveatKind.RUN_INCOMPLETE and state is RunState.RUNNING:
        return PROVISIONAL
    return prose.texts("void_titles").get(kind) or kind_title(kind)


def kind_title(kind: CaveatKind) -> Message:
    """Return the name of a kind of caveat, as a title."""
    return capitalised(Message(str(kind)))


AND, OR = message("{names} and {last}"), message("{names} or {last}")


def joined(names: Sequence[str], last: Message = AND) -> str:
    """Join names: ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return last.format(names=listed(names[:-1]), last=names[-1])


def replicas_of(count: str) -> Message:
    """Return ``1 replica`` or ``1 to 6 replicas``, of a number that is text already."""
    return plural(0 if count != "1" else 1, "replica", "replicas").format(count=count)


def capitalised(title: str) -> Message:
    """Put a title at the beginning of a sentence."""
    unchanged = title.startswith("etcd") or title[1:2].isdigit()
    english = title if unchanged else title[:1].upper() + title[1:]
    if isinstance(title, Message):
        return Message(title.msgid, title.slots or None, english)
    return Message(english)


# A comparison, in the same words everywhere.


def factor(comparison: Comparison | None) -> Factor:
    """Say how the subject compares with the baseline; a dash where it cannot."""
    if comparison is None:
        return Factor(MISSING)
    if comparison.times is None:
        return _difference(comparison)
    estimate, metric = comparison.times, comparison.definition
    no_spread = estimate.bounds in (None, (0.0, 0.0))
    if no_spread and (comparison.at_least is None or estimate.value > 0):
        return Factor(_size(estimate.value, metric))
    if estimate.value <= 0 and comparison.at_least is not None:
        return _at_least(metric.words.less, times_at_least(comparison.at_least))
    assert estimate.bounds is not None, "an estimate without bounds was returned above"
    low, high = estimate.bounds
    if comparison.direction is Direction.SAME:
        ends = f"{signed(low - 1)}%", f"{signed(high - 1)}%"
        return Factor(message("practically the same"), span_of(*ends))
    if comparison.direction is Direction.UNCLEAR and low < 0:
        return Factor(NO_DIFFERENCE, _spread_in_unit(comparison))
    if comparison.direction is Direction.UNCLEAR:
        ends = _plain_times(low), _plain_times(high)
        spread = message("{low} to {high} times").format(low=ends[0], high=ends[1])
        return Factor(NO_DIFFERENCE, spread)
    if estimate.value < 1 and low <= 0:
        return _at_least(_less(metric), f"{share_at_least(1 - high)}%")
    return Factor(_size(estimate.value, metric), _size_spread(estimate.value, low, high))


def sizes(metric: Metric) -> Iterator[str]:
    """Yield the patterns of the texts that ``factor`` makes for a metric."""
    for words in (metric.words.more, _more(metric), metric.words.less, _less(metric)):
        yield f"{{size}} {words}"
    for words in (metric.words.less, _less(metric)):
        yield f"at least {{size}} {words}"


def _size(value: float, metric: Metric) -> str:
    """Say a factor: as a share between a half and twice, else as times."""
    if value >= 2:
        return _sized(metric.words.more, times(value))
    if value >= 1:
        return _sized(_more(metric), f"{share(value - 1)}%")
    if 0 < value <= 0.5:
        return _sized(metric.words.less, times(1 / value))
    return _sized(_less(metric), f"{share(1 - value)}%")


def _sized(words: str, size: str) -> Message:
    """Return a size with its words, as ``sizes`` has them."""
    return Message(f"{{size}} {words}").format(size=size)


def _at_least(words: str, size: str) -> Factor:
    return Factor(Message(f"at least {{size}} {words}").format(size=size), bound=True)


def _size_spread(value: float, low: float, high: float) -> str:
    """Say the interval of a factor in the unit of ``_size``, the smaller change first."""
    if value >= 2:
        ends = _plain_times(low), _plain_times(high)
    elif value >= 1:
        ends = share(low - 1), f"{share(high - 1)}%"
    elif value <= 0.5:
        ends = _plain_times(1 / high), _plain_times(1 / low)
    else:
        ends = share(1 - high), f"{share(1 - low)}%"
    return "" if ends[0] == ends[1].rstrip("%") else span_of(*ends)


def _plain_times(value: float) -> str:
    return times(value) if value > 0 else number(value)


def _more(metric: Metric) -> str:
    word = metric.words.more.removeprefix("times ")
    return "more" if word.startswith("as ") else word


def _less(metric: Metric) -> str:
    return metric.words.less.removeprefix("times ")


def _difference(comparison: Comparison) -> Factor:
    """Say a difference in the metric's unit, for a baseline that allows no factor."""
    difference = comparison.difference
    if difference is None:
        return Factor(MISSING)
    if difference.value == 0 and difference.bounds in (None, (0.0, 0.0)):
        return Factor(message("zero for both"))
    unit = comparison.definition.unit_of(per_1000=comparison.per_1000)
    scale = scale_for((difference.value, difference.low, difference.high), unit)
    if difference.holds(0.0):
        return Factor(NO_DIFFERENCE, _spread_in_unit(comparison))
    value = scale.quantity(difference.value, difference.low, difference.high, signed=True)
    return Factor(value, scale.interval(difference.low, difference.high))


def _spread_in_unit(comparison: Comparison) -> str:
    """Say the interval of a difference in the metric's unit."""
    difference = comparison.difference
    if difference is None or difference.bounds is None:
        return ""
    unit = comparison.definition.unit_of(per_1000=comparison.per_1000)
    scale = scale_for(difference.bounds, unit)
    spread = scale.interval(*difference.bounds)
    return listed([spread, *([scale.unit] if scale.unit else [])], " ")


# Gains and costs of an informer: both values, and how they compare.

INSTEAD = message("{title}: {own} instead of {other}")
ALIKE = message("{title}: practically the same, {own} and {other}")
NOT_SHOWN = message("{title}: no difference shown, {own} and {other}")
UNMEASURED = message("{title}: not measured in this plan")
STALE = message("Stale first reads after a write: {own} instead of {other}")
NEVER_STALE = message("Stale first reads after a write: none of {reads} with {server}")
UNALIKE = message("{title}: compared only at a fixed rate")
UNMEASURED_STALE = message("Staleness: not measured in this plan")


def both(
    metric: Metric,
    comparison: Comparison | None,
    values: tuple[str, str],
    *,
    per_1000: bool = False,
    title: str = "",
) -> Sentence:
    """Say the values of two servers in a metric, and how they compare if the rounds show it."""
    title = title or capitalised(metric.short)
    if per_1000:
        title = message("{title} for 1,000 reads").format(title=title)
    (value, other), wording, text = values, factor(comparison), INSTEAD
    if comparison and comparison.times and comparison.times.bounds is not None:
        texts = {Direction.SAME: ALIKE, Direction.UNCLEAR: NOT_SHOWN}
        text = texts.get(comparison.direction, INSTEAD)
    elif value == other:
        text = NOT_SHOWN
    size = wording.text if text is INSTEAD else ""
    detail = listed([part for part in (size, wording.spread) if part not in ("", MISSING)])
    return Sentence(text.format(title=title, own=value, other=other), detail)


def uncompared(metric: Metric, *, fixed_rate: bool) -> Sentence:
    """Say why a run compares nothing in a metric."""
    text = UNMEASURED if fixed_rate or metric.load is Load.FULL_SPEED else UNALIKE
    return Sentence(text.format(title=capitalised(metric.short)), tone="unsure")


def stale(subject: Arm, baseline: Arm) -> Sentence:
    """Say how many first reads after a write were older than it, and how old they were."""
    freshness, other = subject.freshness, baseline.freshness
    if freshness is None or not freshness.first_reads:
        return Sentence(UNMEASURED_STALE, tone="unsure")
    if not freshness.first_stale:
        reads = plural(freshness.first_reads, "read", "reads")
        return Sentence(NEVER_STALE.format(reads=reads, server=subject.server))
    shares = [
        f"{share(side.first_stale / side.first_reads)}%" if side and side.first_reads else MISSING
        for side in (freshness, other)
    ]
    details = [part_of(freshness.first_stale, freshness.first_reads)]
    if freshness.longest_stale_ms is not None:
        age = scale_for([freshness.longest_stale_ms], "ms").quantity(freshness.longest_stale_ms)
        oldest = message("at most {age} until the write showed")
        details.append(oldest.format(age=age))
    return Sentence(STALE.format(own=shares[0], other=shares[1]), listed(details, "; "))


def part_of(some: int, every: int) -> Message:
    """Return ``3 of 1,000``."""
    return message("{some} of {every}").format(some=f"{some:,}", every=f"{every:,}")


def detectable(comparison: Comparison) -> str:
    """Say which change the rounds would have shown, if they show none; else return ""."""
    unclear = comparison.direction is Direction.UNCLEAR
    if not unclear or comparison.ratio is None or not comparison.detectable:
        return ""
    return message("detectable: {share}%").format(share=share(comparison.detectable))


def upheld(agreeing: int, ratios: int) -> str:
    """Say how the bootstrap check came out."""
    return message(
        "Bootstrap-t intervals, which assume no normal distribution, lead to the same conclusion "
        "as Student's t in {agreeing} of {ratios}."
    ).format(agreeing=agreeing, ratios=plural(ratios, "ratio", "ratios"))


# The base: another checkout in the same rounds.

BASE = message("The base is commit {commit}, measured in the same rounds.")
BASE_SOFTWARE = message(
    "The base is commit {commit}, measured in the same rounds with other software: {software}."
)
BASE_ANSWER = message(
    "{scenario}, against the base: {worse} of {count} figures worse, {better} better."
)
BASE_CHANCE = message("About {chance} would differ by chance alone; gate rules decide.")


def base(checkout: Base, environment: Environment) -> str:
    """Say which commit the base is, and which of its software differs from the others'."""
    names = checkout.packages.keys() & environment.packages.keys()
    pairs = {name: (checkout.packages[name], environment.packages[name]) for name in sorted(names)}
    if checkout.python_version:
        pairs = {"Python": (checkout.python_version, environment.python), **pairs}
    instead = message("{name} {own} instead of {other}")
    software = [
        instead.format(name=name, own=base_version, other=version)
        for name, (base_version, version) in pairs.items()
        if base_version != version
    ]
    text = BASE_SOFTWARE if software else BASE
    return text.format(commit=checkout.commit, software=listed(software, "; "))


def base_answer(scenario: str, comparisons: Sequence[Comparison]) -> Sentence:
    """Say how many figures differ from the base's, for the worse and for the better."""
    changed = [row for row in comparisons if row.direction in (Direction.LESS, Direction.MORE)]
    better = sum(
        (row.direction is Direction.MORE) == row.definition.higher_is_better for row in changed
    )
    worse, count = len(changed) - better, len(comparisons)
    text = BASE_ANSWER.format(scenario=scenario, worse=worse, count=count, better=better)
    chance = BASE_CHANCE.format(chance=number(count * (1 - CONFIDENCE)))
    return Sentence(text, chance, tone="bad" if worse else "good")


# The progress of a run, and why it ended.

PROVISIONAL = message("Provisional: made before the run ended")


def so_far(done: int, rounds: int, page: str) -> str:
    """Say how many rounds a run has made, and the path of its report so far."""
    text = message("Provisional, after {made} of {rounds}: {page}")
    return text.format(made=done, rounds=plural(rounds, "round", "rounds"), page=page)


def ended(precision: Precision, plan: Plan, *, out_of_time: bool) -> str:
    """Say why a run made no further rounds, and how precise its least precise ratio is."""
    comparison, requested = precision.comparison, plan.precision or 0.0
    reason = "precise" if precision.half_width <= requested else "time" if out_of_time else "rounds"
    return prose.texts("ended")[reason].format(
        rounds=plural(plan.rounds, "round", "rounds"),
        minutes=number(plan.most_minutes),
        what=message("{metric} of {subject} against {baseline} under {scenario}").format(
            metric=BY_KEY[comparison.metric].short,
            subject=comparison.subject,
            baseline=comparison.baseline,
            scenario=precision.scenario,
        ),
        reached=per_cent(precision.half_width),
        wanted=message("within {share}").format(share=per_cent(requested)),
    )


def out_of_time(plan: Plan) -> str:
    """Say that the time limit ended a run whose plan names no precision."""
    text = message("The plan's limit of {minutes} min of measuring was reached after {rounds}.")
    rounds = plural(plan.rounds, "round", "rounds")
    return text.format(minutes=number(plan.most_minutes), rounds=rounds)


# The first sentence, one for each outcome.

OPEN = prose.texts("open_sentences")
CLOSED = prose.texts("closed_sentences")
WITHOUT_LOAD = prose.texts("without_load_sentences")
TOO_FEW = {
    True: message("One round is too few to compare {subject} with {baseline}."),
    False: message("{rounds} are too few to compare {subject} with {baseline}."),
}
SUBJECTS = prose.texts("subjects")
BASELINES = prose.texts("baselines")
"""Arms in words for a stranger; further ones are called by their names."""
COSTS = prose.texts("cost_sentences")


def headline(
    scenario: Scenario,
    comparison: Comparison,
    rounds: int,
    *,
    processors: str,
    costs: Mapping[str, str] | None = None,
    in_go: str = "",
    objects: Sequence[Objects] = (),
) -> Sentence:
    """Say the first sentence of a scenario, with the interval and the rounds beside it.

    ``costs``, see ``read_costs``: both sides' CPU for 1,000 reads, in place of a factor.
    """
    metric, subject, baseline = comparison.definition, comparison.subject, comparison.baseline
    wording, few = factor(comparison), rounds < INDICATIVE_BELOW
    direction = comparison.direction if comparison.times is not None else Direction.UNCLEAR
    counted = plural(rounds, "round", "rounds")
    details = [message("paired over {rounds}").format(rounds=counted)]
    if few:
        details.append(message("indicative: fewer than {few}").format(few=INDICATIVE_BELOW))
    if wording.bound:
        details.insert(0, message("95% confidence"))
    elif wording.spread:
        details.insert(0, message("95% interval {spread}").format(spread=wording.spread))
    detail = listed(details)
    if costs is not None and direction in (Direction.LESS, Direction.MORE):
        compared = message("{size} {metric}, with {load}").format(
            size=wording.text, metric=metric.short, load=load(scenario)
        )
        detail = listed([compared, detail], "; ")
    slots = {
        "subject": SUBJECTS.get(subject) or THE_SERVER.format(name=subject),
        "baseline": BASELINES.get(baseline) or THE_SERVER.format(name=baseline),
        "rounds": counted,
        "size": wording.text,
        "link": _link(wording.text),
        "what": metric.short,
        "rate": number(scenario.rate_rps),
        "processors": processors,
    }
    if not scenario.has_load:
        slots |= {"subject": subject, "baseline": baseline}
        slots["where"] = where(scenario, objects)
    if rounds < 2 or (direction is Direction.UNCLEAR and few):
        return Sentence(TOO_FEW[rounds < 2].format(**slots), detail if rounds > 1 else "", "unsure")
    sentences = COSTS if costs is not None else OPEN if scenario.is_open else CLOSED
    sentences = sentences if scenario.has_load else WITHOUT_LOAD
    tone = "unsure" if direction is Direction.UNCLEAR else ""
    text = sentences[direction].format(**slots, **(costs or {}))
    return Sentence(listed([text, in_go], "") if in_go else text, detail, tone)


def read_costs(subject: Arm | None, other: Arm | None, metric: Metric) -> dict[str, str] | None:
    """Return what 1,000 reads cost in ``metric`` and in the server's CPU, as ``own`` and ``other``.

    An arm that is ``None`` has no slots. ``None``: one of the figures was not measured.
    """
    costs = {}
    for side, arm in (("own", subject), ("other", other)):
        for slot, cost in ((side, metric), (f"{side}_server", BY_KEY["server_cpu"])):
            figure = arm.figure(cost.key, per_1000=True) if arm is not None else None
            if arm is not None and (figure is None or figure.value is None):
                return None
            if figure is not None:
                costs[slot] = bounded(figure)
    return costs


def bounded(figure: Figure) -> str:
    """Show ms of CPU in seconds, or their upper bound if they may be zero."""
    seconds = Scale(1000.0, "s")
    if figure.low is not None and figure.low <= 0 and figure.high is not None:
        most = seconds.quantity(max(figure.high, 0.0), up=True)
        return message("at most {most}").format(most=most)
    return seconds.quantity(figure.value)


def in_go(subject: Arm | None, other: Arm | None, metric: Metric) -> str:
    """Say what the same costs in Go, for the headline; empty if that was not measured."""
    slots = read_costs(subject, other, metric)
    if not slots:
        return ""
    which = "both" if len(slots) > 2 else "informer" if subject is not None else "direct"
    return prose.texts("in_go")[which].format(**slots)


CARRIED = prose.texts("carried")


def carried(comparison: Comparison, subject: Figure, baseline: Figure) -> Sentence:
    """Say how many reads per second a core carries: one over the CPU of a read."""
    title = CARRIED["server" if comparison.metric == "server_cpu" else "control_plane"]
    values = _per_core(subject), _per_core(baseline)
    sentence = both(comparison.definition, comparison, values, title=title)
    ratio = comparison.times if comparison.direction is Direction.UNCLEAR else None
    if (ratio and (ratio.low or 0) < 0) or not sentence.detail:
        return replace(sentence, detail="")  # an interval in ms would be that of 1,000 reads
    return replace(sentence, detail=CARRIED["detail"].format(detail=sentence.detail))


def _per_core(figure: Figure) -> str:
    """Turn ms of CPU for 1,000 reads into reads per second of a core."""
    least = figure.low is not None and figure.low <= 0
    ms = figure.high if least else figure.value
    if ms is None or ms <= 0:
        return CARRIED["unbounded"]
    per_s = 1e6 / ms
    if least:
        return CARRIED["at_least"].format(rate=times_at_least(per_s))
    return f"{times(per_s)}/s" if per_s >= SLOW else rate(per_s)


def processors(environment: Environment, cpus: Cpus) -> str:
    """Name the processors that a server had at full speed."""
    if cpus.server:
        count = plural(len(cpus.server), "processor", "processors")
        return message("{processors} of its own").format(processors=count)
    return plural(environment.processors, "shared processor", "shared processors")


BILLED = ("control_plane_cpu", "api_requests", "memory_end")


def bill(arm: Arm, scenario: Scenario, objects: Sequence[Objects] = ()) -> Sentence:
    """Say what a single client costs, with the intervals beside it."""
    values, spreads, form = dict.fromkeys(BILLED, MISSING), list[str](), "alone"
    for key in BILLED:
        metric, figure = BY_KEY[key], arm.figure(key)
        if figure is None or figure.value is None:
            continue
        least = figure.value if figure.low is None else min(figure.low, figure.value)
        if metric.above_floor and least <= 0:
            form = "alone_small"
        scale = scale_for([figure.value], metric.unit)
        values[key] = scale.quantity(figure.value, figure.low, figure.high)
        if spread := scale.interval(figure.low, figure.high, figure.value):
            text = message("{what} {spread}")
            spreads.append(text.format(what=metric.short, spread=with_unit(spread, scale.unit)))
    cluster = where(scenario, objects)
    text = WITHOUT_LOAD[form].format(subject=arm.server, where=cluster, **values)
    rounds, few = plural(len(arm.rounds), "round", "rounds"), len(arm.rounds) < INDICATIVE_BELOW
    if not spreads:
        return Sentence(text, rounds, "unsure")
    detail = WITHOUT_LOAD["few" if few else "enough"]
    return Sentence(
        text, detail.format(rounds=rounds, spreads=listed(spreads, "; ")), "unsure" if few else ""
    )


def contents(scenario: Scenario, objects: Sequence[Objects]) -> Message:
    """Name what a cluster holds: ``20 pods, 5 secrets``."""
    others = [
        Message("{count} {kind}").format(count=f"{o.count:,}", kind=o.resource) for o in objects
    ]
    return listed([message("{pods} pods").format(pods=f"{scenario.pods:,}"), *others])


def where(scenario: Scenario, objects: Sequence[Objects] = ()) -> Message:
    """Describe the cluster of a scenario: its objects, its writes and its fault."""
    form = "fault" if scenario.fault else "churn" if scenario.churn_per_s else "rest"
    return prose.texts("where")[form].format(
        held=contents(scenario, objects), churn=number(scenario.churn_per_s), fault=scenario.fault
    )


BESIDE_DIFFERS = message("At {load}, {name} against {baseline}: {size} {what}.")
BESIDE_ALIKE = message("At {load}, {name} and {baseline} are practically equal in {what}.")


def beside(comparison: Comparison, scenario: Scenario) -> Sentence:
    """Say how the second baseline compares with the first."""
    wording, metric = factor(comparison), comparison.definition
    slots = {"name": comparison.subject, "baseline": comparison.baseline, "what": metric.short}
    if metric.higher_is_better and comparison.direction is Direction.SAME:
        text = BESIDE_ALIKE
    else:
        text = prose.texts("beside").get(comparison.direction, BESIDE_DIFFERS)
    load = message("full speed")
    if not scenario.has_load:
        load = message("{churn} writes/s").format(churn=number(scenario.churn_per_s))
    elif scenario.rate_rps is not None:
        load = message("{rate} reads/s").format(rate=number(scenario.rate_rps))
    return Sentence(text.format(size=wording.text, load=load, **slots), wording.spread)


def nothing_to_compare(scenario: ScenarioAnalysis) -> str:
    """Say why a scenario compares nothing."""
    servers = [arm.server for arm in scenario.contenders]
    if not servers:
        return FLOOR_ONLY if scenario.arms else NO_TRIAL
    missing = [server for server in scenario.missing if server != "none"]
    if missing:
        return message(
            "Only {server} was measured, so there is nothing to compare it with: no trial of "
            "{missing} succeeded."
        ).format(server=servers[0], missing=joined(missing))
    return message("Only {server} was measured, so there is nothing to compare it with.").format(
        server=servers[0]
    )


def no_read(servers: Sequence[str]) -> str:
    """Name the servers that answered no read."""
    text = message("There is nothing to compare: {servers} answered no read.")
    return text.format(servers=joined(servers))


def asked(scenario: Scenario, objects: Sequence[Objects] = ()) -> Message:
    """Describe a scenario: route, pods and other objects, load, churn."""
    parts = [contents(scenario, objects), load(scenario)]
    if scenario.route not in (scenario.name, ""):
        parts.insert(0, Message(scenario.route))
    if scenario.churn_per_s:
        churn = message("{churn} writes/s") if objects else message("{churn} writes/s to pods")
        parts.append(churn.format(churn=number(scenario.churn_per_s)))
    if scenario.replicas > 1:
        parts.append(plural(scenario.replicas, "replica", "replicas"))
    parts += map(Message, scenario.apiserver_args)
    return listed(parts)


def load(scenario: Scenario) -> Message:
    """Describe the load of a scenario."""
    if not scenario.has_load:
        return message("no load")
    if scenario.rate_rps is None:
        clients = plural(scenario.users, "client", "clients")
        return message("{clients} at full speed").format(clients=clients)
    return message("{rate} reads/s offered").format(rate=number(scenario.rate_rps))


def at_load(scenario: Scenario) -> Message:
    """Say under which load a figure was measured."""
    if scenario.rate_rps is None:
        return message("at full speed")
    return message("at {rate} reads/s").format(rate=number(scenario.rate_rps))


def pairing(rounds: int) -> str:
    """Say how much an interval over ``rounds`` rounds is worth."""
    if rounds < 2:
        return message("One round only: it gives no interval and no conclusion.")
    if rounds < INDICATIVE_BELOW:
        return message(
            "Compared round by round, with 95% intervals over {rounds} rounds; indicative, since "
            "they are fewer than {few}."
        ).format(rounds=rounds, few=INDICATIVE_BELOW)
    text = message("Compared round by round, with 95% intervals over {rounds} rounds.")
    return text.format(rounds=rounds)


# Break-even.

VERDICTS = prose.texts("verdicts")
"""The calculator's script uses them too, with its own figures."""
LINE = message("break-even rate by {what}: {line}")
LINE_AGAINST = message("break-even rate by {what} against {reader}: {line}")
UNTOLD = message("This run cannot tell at how many reads per second an informer pays off.")
RATE = Message("{rate}")
FREE = message("from the first read")
RATES = {
    "none": (message("none"), message("a read costs nothing measurable")),
    "no interval": (RATE, message("no interval")),
    "no end": (RATE, message("at least {low}, no upper bound")),
    "untold": (Message(MISSING), message("too noisy to tell")),
    "above": (message("at least {low}"), message("a read's cost is too small to measure")),
    "free": (FREE, message("the informer has no measurable cost")),
    "below": (message("at most {high}"), message("the informer's cost is too small to measure")),
    "at most": (RATE, message("at most {high}")),
    "between": (RATE, message("{low} to {high}")),
    "alike": (RATE, Message("{low}")),
}
"""Known ends of a break-even rate -> its text and interval; the calculator uses them too."""
BEYOND = message("{rate}, extrapolated beyond {highest}")


def break_even(point: BreakEven, highest: float) -> Factor:
    """Return the rate and its interval in words; ``highest`` is the largest measured rate."""
    short = point.high is not None and point.low is not None and point.low >= SLOW
    rate_text = rate(point.rate or 0.0)
    if point.rate is not None and point.rate > highest:
        rate_text = BEYOND.format(highest=rate(highest), rate=rate_text)
    key = _rate_key(point)
    is_span = key == "between"
    low, high = (
        "" if end is None else number(end) if short else rate(end, up=None if is_span else up)
        for end, up in ((point.low, False), (point.high, True))
    )
    text, spread = RATES["alike" if is_span and low == high else key]
    slots = {"rate": rate_text, "low": low, "high": high}
    return Factor(text.format(**slots), spread.format(**slots))


def _rate_key(point: BreakEven) -> str:
    """Return which of ``RATES`` describes a rate."""
    if point.never:
        return "none"
    if point.rate is None:
        return "above" if point.low else "untold"
    if point.low is None:
        return "no interval"
    if point.high is None:
        return "no end" if point.low > 0 else "untold"
    if point.high == 0:
        return "free"
    if point.rate == 0:
        return "below"
    return "at most" if point.low == 0 else "between"


def line(model: CostModel) -> Message:
    """Return the pattern for the break-even rate, with its reader if there are several."""
    return LINE_AGAINST if len(model.readers) > 1 else LINE


def verdict(model: CostModel, point: BreakEven, question: Question) -> Sentence:
    """Say whether an informer pays off in a situation, and at which rate it begins to."""
    wording, reads = break_even(point, model.ranges.reads_per_s[1]), question.reads_per_s
    slots = {
        "reads": number(reads),
        "pods": number(question.pods),
        "churn": number(question.churn_per_s),
    }
    outcome = "may"
    if point.never or reads <= 0 or (point.low is not None and reads < point.low):
        outcome = "not"
    elif point.rate is None or wording.text == MISSING:
        outcome = "untold"
    elif point.high is not None and reads > point.high:
        outcome = "pays"
    quantity = BY_KEY[model.quantity].short
    detail: list[str] = [line(model).format(what=quantity, reader=point.reader, line=wording.text)]
    detail += [wording.spread] if wording.spread else []
    return Sentence(VERDICTS[outcome].format(**slots), listed(detail))


def pays_off(model: CostModel, point: BreakEven, question: Question) -> Sentence:
    """Say at which read rate an informer begins to pay off, by one quantity."""
    highest = model.ranges.reads_per_s[1]
    wording, extrapolated = break_even(point, highest), (point.rate or 0.0) > highest
    slots = {
        "what": BY_KEY[model.quantity].short,
        "where": _where(question),
        "reader": point.reader,
        "rate": rate(point.rate or 0.0) if extrapolated else wording.text,
        "count": number(question.replicas),
    }
    detail = listed([part for part in wording[:2] if part != MISSING], "; ")
    if point.never or (point.low or 0.0) > highest:
        text = message("By {what}, no measured read rate lets an informer pay off {where}.")
        return Sentence(text.format(**slots), detail)
    if point.rate is None or wording.text == MISSING:
        text = message("By {what}, this run does not show the break-even rate {where}.")
        return Sentence(text.format(**slots), detail)
    if wording.text == FREE:
        text = message("By {what}, an informer pays off from the first read {where}.")
    elif question.replicas == 1:
        text = message("By {what}, one informer pays off against {reader} from {rate}, {where}.")
    else:
        text = message(
            "By {what}, {count} informers pay off against {reader} from {rate}, {where}."
        )
    return Sentence(text.format(**slots), detail if extrapolated else wording.spread)


def _where(question: Question) -> Message:
    slots = {"pods": number(question.pods), "churn": number(question.churn_per_s)}
    return message("with {pods} pods and {churn} writes/s").format(**slots)


def informers(replicas: float) -> str:
    """Return how many informers a situation has."""
    if replicas == 1:
        return message("one informer")
    return message("{count} informers").format(count=number(replicas))


def few_reads(wording: Factor, small: Question, *, known: bool) -> str:
    """Say below which read rate an informer loses."""
    rate_text = wording.spread
    if wording.text != MISSING:
        rate_text = Message("{rate} ({spread})").format(rate=wording.text, spread=wording.spread)
    text = message("Few reads: {where} this run does not show the break-even rate: {shown}.")
    if known:
        text = message(
            "Few reads: {where} the break-even rate is {shown}. Below it, direct reads cost the "
            "API server less CPU."
        )
    return text.format(where=_where(small), shown=rate_text)


def churn_loses(model: CostModel, reader: str, pods: float) -> str:
    """Say how many writes cost one informer as much as a read; empty without a lower bound."""
    value, low, high = model.writes_per_read(reader, pods)
    if low is None or low <= 0:
        return ""
    writes = message("at least {least}").format(least=times_at_least(low))
    if value is not None and high is not None:
        scale = Scale(1.0, "")
        shown, spread = scale.show(value, low, high), scale.interval(low, high)
        writes = message("about {count} ({spread})").format(count=shown, spread=spread)
    return message(
        "Churn: the break-even rate rises linearly with it. By {what}, at {pods} pods, the events "
        "of {writes} writes, sent to one informer, cost as much as one read by {reader}."
    ).format(pods=number(pods), writes=writes, what=BY_KEY[model.quantity].short, reader=reader)


def replicas_lose(model: CostModel, small: Question, even: float) -> str:
    """Say at which rate many replicas pay off; ``even`` is the rate of ``small``'s replicas."""
    most = model.ranges.replicas[1] if model.knows_replicas else 10 * small.replicas
    measured = message("Costs are assumed to add up ({replicas} measured).").format(
        replicas=replicas_of(number(small.replicas))
    )
    if model.knows_replicas:
        text = message("{least} to {most} were measured, and their costs fitted as a sum.")
        measured = text.format(least=number(model.ranges.replicas[0]), most=number(most))
    return message(
        "Replicas: each has a watch of its own. With {pods} pods, {most} of them pay off only from "
        "{rate} together. {measured}"
    ).format(
        most=number(most),
        rate=rate(most / small.replicas * even),
        pods=number(small.pods),
        measured=measured,
    )


def short_lives() -> str:
    """Say what the start of an informer costs."""
    return message(
        "Short-lived replicas: each start lists all pods. A replica that answers less than about "
        "one read in its life saves nothing. These figures assume a life of {hours} h."
    ).format(hours=number(LIFETIME_S / 3600))


def rate_caption(model: CostModel) -> str:
    """Return the caption of the table of break-even rates."""
    return message(
        "Break-even rates, in reads per second of all replicas together, with 95% intervals. "
        "Rates below {least} were not measured: the linear model is extrapolated to them. "
        "A start is spread over {hours} h."
    ).format(least=rate(model.ranges.reads_per_s[0]), hours=number(LIFETIME_S / 3600))


def measured_range(model: CostModel) -> str:
    """Say to which measured situations a model was fitted."""
    ranges = model.ranges
    return message(
        "Measured at {pods} pods, {replicas}, {reads} reads/s and up to {writes} writes/s. "
        "Condition number of the design: {condition}."
    ).format(
        pods=span(ranges.pods),
        replicas=replicas_of(span(ranges.replicas)),
        reads=span(ranges.reads_per_s),
        writes=number(ranges.churn_per_s[1]),
        condition=number(model.fit.condition),
    )


def span(ends: tuple[float, float]) -> str:
    """Show the least and the most of a range, once if they read alike."""
    return span_of(*map(number, ends))


# Faults.


def fault_headline(answered: Mapping[str, tuple[int, int]], faults: int) -> str:
    """Say what share each server answered in time, over all faults; empty without a trial."""
    ranks = sorted(
        ((done / asked, server) for server, (done, asked) in answered.items() if asked),
        reverse=True,
    )
    if not ranks:
        return ""
    with_each = message("{share}% with {server}")
    shares = joined([with_each.format(share=share(part), server=server) for part, server in ranks])
    text = message("Reads answered in time while the API server failed: {shares}.")
    if faults > 1:
        text = message(
            "Reads answered in time while the API server failed in {ways} ways: {shares}."
        )
    return text.format(ways=faults, shares=shares)


def fault_lead(arm: FaultArm) -> str:
    """Say how a server answered during a fault, and when it was fresh again."""
    fresh_s = [trial.fresh_s for trial in arm.rounds if trial.fresh_s is not None]
    slots = {"server": arm.server, "done": f"{arm.in_time:,}", "asked": f"{arm.asked:,}"}
    if len(fresh_s) < len(arm.rounds):
        return message(
            "{server} answered {done} of {asked} reads during the fault and was not fresh again "
            "within the window."
        ).format(**slots)
    return message(
        "{server} answered {done} of {asked} reads during the fault and was fresh again {after} "
        "after it."
    ).format(**slots, after=f"{number(max(fresh_s))}{NO_BREAK}s")


NO_FAULT_TRIAL = message("No trial of this fault has reads.")


# Versions, replicas, controls.

SERVED_BY_ETCD = message(
    "{server}: for 1,000 reads, etcd served {oldest} lists on {old} and {newest} on {new}."
)
VERSION_START = message(
    "{server}: a start takes {oldest} requests to the API server on {old} and {newest} on {new}."
)


def on_versions(
    text: Message, server: str, versions: Sequence[str], values: tuple[float, float]
) -> str:
    """Fill ``text`` with the values on the oldest and on the newest version."""
    oldest, newest = map(number, values)
    old, new = versions[0], versions[-1]
    return text.format(server=server, oldest=oldest, newest=newest, old=old, new=new)


def _link(size: str) -> str:
    """Return the word after a factor: 3 times as many *as*, 3 times fewer *than*."""
    return "as" if size.endswith(("as many", "as much")) else "than"


def version_cost(server: str, versions: Sequence[str], ratio: Estimate, metric: Metric) -> str:
    """Say by how much a cost changed between the oldest and the newest version."""
    if ratio.bounds is None or ratio.holds(1.0) or ratio.value <= 0:
        return message("{server}: no difference in {metric} shown between {versions}.").format(
            server=server, metric=metric.short, versions=joined(versions)
        )
    size = _size(ratio.value, metric)
    return message(
        "{server}: {metric} per 1,000 reads is {size} on {new} {link} on {old} ({spread})."
    ).format(
        server=server,
        metric=metric.short,
        size=size,
        new=versions[-1],
        link=_link(size),
        old=versions[0],
        spread=_size_spread(ratio.value, *ratio.bounds),
    )


def knee(arm: SeriesArm, metric_name: str) -> str:
    """Name the share of its capacity from which on a server's latency is past the knee."""
    reached = next((step for step in arm.steps if step.place == arm.knee), None)
    shown_step = reached or arm.steps[-1]
    outcome = "knee" if reached else "no_knee" if arm.has_no_knee else "open_knee"
    return prose.texts("knees")[outcome].format(
        server=arm.arm,
        what=metric_name,
        share=per_cent(shown_step.place),
        rate=rate(shown_step.reads_per_s),
        lowest=per_cent(arm.steps[0].place),
    )


def control_briefly(scenario: str, check: Control) -> str:
    """Say in a line whether a server that was measured twice was the same."""
    slots = {"server": check.server, "margin": share(check.margin), "scenario": scenario}
    return prose.texts("controls_briefly")[check.verdict].format(**slots)


def control(scenario: str, check: Control) -> str:
    """Say how a server that was measured twice compares with itself."""
    name = message("{server} against itself under {scenario}, {metric}").format(
        server=check.server, scenario=scenario, metric=BY_KEY[check.metric].short
    )
    if check.ratio is None:
        text = message("{name}: no round has both measurements, so nothing is shown.")
        return text.format(name=name)
    text = message("{name}: {times} times; margin {margin}%. {verdict}")
    slots: dict[str, object] = {}
    if check.ratio.bounds is not None:
        text = message(
            "{name}: {times} times, {confidence} interval {low} to {high}; margin {margin}%. "
            "{verdict}"
        )
        slots = {
            key: f"{end:.3g}" for key, end in zip(("low", "high"), check.ratio.bounds, strict=True)
        }
    verdict = [prose.texts("control_verdicts")[check.verdict]]
    if seen := check.ratio.detectable:
        power = message("Detectable difference: {share}%.")
        verdict.append(power.format(share=share(seen)))
    return text.format(
        name=name,
        times=f"{check.ratio.value:.3g}",
        confidence=f"{check.confidence:.0%}",
        margin=share(check.margin),
        verdict=listed(verdict, " "),
        **slots,
    )


def times_of(ratio: Estimate | None) -> str:
    """Say a factor and its interval: ``0.02 x [0.018 to 0.024]``; empty without one."""
    if ratio is None:
        return ""
    value = _plain_times(ratio.value)
    text = f"{value}{NO_BREAK}\N{MULTIPLICATION SIGN}"
    if ratio.bounds is None:
        return text
    low, high = (_plain_times(bound) for bound in ratio.bounds)
    if low == high == value:
        return text
    spread = message("{low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high}")
    if ratio.bounds[0] < 0 < ratio.bounds[1]:  # there are no negative times
        high = times_at_most(ratio.bounds[1])
        text = f"{_plain_times(max(ratio.value, 0.0))}{NO_BREAK}\N{MULTIPLICATION SIGN}"
        spread = message("at most {high}")
    return Message("{shown} [{spread}]").format(
        shown=text, spread=spread.format(low=low, high=high)
    )


def no_good_trial(servers: Sequence[str]) -> Message:
    """Name the servers without a good trial."""
    return message("No trial of {servers} succeeded.").format(servers=joined(servers))
