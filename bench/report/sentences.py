"""What a report says in English, and nothing else: the only place that makes sentences.

Each outcome has one sentence, whole, with slots for names and figures; none is put
together from parts of others. Fixed texts (method, glossary) are in ``prose``, titles and
words of metrics in ``bench.metrics``.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.analysis.comparisons import Precision
from bench.analysis.cost_model import LIFETIME_S, BreakEven, CostModel, Question
from bench.analysis.faults import FaultArm
from bench.analysis.result import Arm, Comparison, Control, Direction, ScenarioAnalysis
from bench.metrics import BY_KEY, Load, Metric
from bench.model import CaveatKind, Plan, RunState, Scenario
from bench.report import prose
from bench.report.document import Sentence
from bench.report.numbers import (
    MISSING,
    NO_BREAK,
    SLOW,
    number,
    per_cent,
    rate,
    scale_for,
    share,
    share_at_least,
    signed,
    times,
    times_at_least,
)
from bench.stats import INDICATIVE_BELOW, Estimate

LABELS = prose.texts("labels")
VOID = "No figure of this run should be quoted."
NO_SCENARIO = "This run has no scenario, so there is nothing to show."
NO_PAIR = "No round has two servers in it, so nothing can be compared."
NO_TRIAL = "No trial of this scenario ended well, so there is no figure to show."
FLOOR_ONLY = "No server was measured, only the floor, so there is nothing to compare."
VOID_TITLES = prose.texts("void_titles")


class Factor(NamedTuple):
    """A comparison in words, ``14 times shorter``, and its interval, ``12 to 16``.

    ``bound``: the words state a bound, which holds with 95% confidence.
    """

    text: str
    spread: str = ""
    bound: bool = False


def void_title(kind: CaveatKind, state: RunState) -> str:
    """Return the heading of what voids a run."""
    if kind is CaveatKind.RUN_INCOMPLETE and state is RunState.RUNNING:
        return PROVISIONAL
    return VOID_TITLES.get(kind, str(kind).capitalize())


def joined(names: Sequence[str]) -> str:
    """Join names: ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plural(count: int, one: str, many: str = "") -> str:
    """Return ``1 round`` or ``3 rounds``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def plural_of(shown: str, one: str) -> str:
    """Return ``1 replica`` or ``1 to 6 replicas``, of a number that is text already."""
    return f"{shown} {one}" if shown == "1" else f"{shown} {one}s"


def capitalised(title: str) -> str:
    """Put a title at the beginning of a sentence."""
    kept = title.startswith("etcd") or title[1:2].isdigit()
    return title if kept else title[:1].upper() + title[1:]


# One comparison, in the same words wherever it stands.


def factor(found: Comparison | None, metric: Metric) -> Factor:
    """Say how the subject compares with the baseline in ``metric``; a dash where it cannot."""
    if found is None:
        return Factor(MISSING)
    if found.times is None:
        return _difference(found, metric)
    own = found.times
    if own.bounds is None and (found.at_least is None or own.value > 0):
        return Factor(_size(own.value, metric))
    if own.value <= 0 and found.at_least is not None:
        return Factor(f"at least {times_at_least(found.at_least)} {metric.words.less}", bound=True)
    assert own.bounds is not None, "without bounds it was said above"
    low, high = own.bounds
    if found.direction is Direction.SAME:
        return Factor("practically the same", f"{signed(low - 1)}% to {signed(high - 1)}%")
    if found.direction is Direction.UNCLEAR:
        return Factor("no difference shown", f"{_plain_times(low)} to {_plain_times(high)} times")
    if own.value < 1 and low <= 0:
        return Factor(f"at least {share_at_least(1 - high)}% {_less(metric)}", bound=True)
    return Factor(_size(own.value, metric), _size_spread(own.value, low, high))


def _size(value: float, metric: Metric) -> str:
    """Say a factor: as a share between a half and twice, else as times."""
    if value >= 2:
        return f"{times(value)} {metric.words.more}"
    if value >= 1:
        return f"{share(value - 1)}% {_more(metric)}"
    if 0 < value <= 0.5:
        return f"{times(1 / value)} {metric.words.less}"
    return f"{share(1 - value)}% {_less(metric)}"


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
    return "" if ends[0] == ends[1].rstrip("%") else f"{ends[0]} to {ends[1]}"


def _plain_times(value: float) -> str:
    return times(value) if value > 0 else number(value)


def _more(metric: Metric) -> str:
    word = metric.words.more.removeprefix("times ")
    return "more" if word.startswith("as ") else word


def _less(metric: Metric) -> str:
    return metric.words.less.removeprefix("times ")


def _difference(found: Comparison, metric: Metric) -> Factor:
    """Say a difference in the metric's unit, where the baseline shows nothing to share."""
    one = found.difference
    if one is None:
        return Factor(MISSING)
    if one.value == 0 and one.bounds in (None, (0.0, 0.0)):
        return Factor("none by either")
    unit = metric.unit_of(per_1000=found.per_1000)
    scale = scale_for((one.value, one.low, one.high), unit)
    spread = scale.interval(one.low, one.high)
    if one.holds(0.0):
        return Factor("no difference shown", f"{spread} {scale.unit}".strip())
    return Factor(scale.quantity(one.value, signed=True), spread)


# What an informer gains, and what it costs: both values, and how they compare.

INSTEAD = "{title}: {own} instead of {other}"
ALIKE = "{title}: practically the same, {own} and {other}"
NOT_SHOWN = "{title}: no difference shown, {own} and {other}"
UNMEASURED = "{title}: not measured in this plan"
STALE = "Reads right after a write that did not show it: {own} instead of {other}"
NEVER_STALE = "Reads right after a write: all showed it, {reads} with {server}"
UNALIKE = "{title}: not compared, for that takes a fixed rate"
UNMEASURED_STALE = "Age of answers: not measured in this plan"


def both(
    metric: Metric,
    found: Comparison | None,
    values: tuple[str, str],
    *,
    per_1000: bool = False,
) -> Sentence:
    """Say what two servers have of a metric, and how these compare where the rounds tell."""
    title = capitalised(metric.short) + (" for 1,000 reads" if per_1000 else "")
    said, text = factor(found, metric), INSTEAD
    if found is not None and found.times is not None and found.times.bounds is not None:
        text = {Direction.SAME: ALIKE, Direction.UNCLEAR: NOT_SHOWN}.get(found.direction, INSTEAD)
    shown = said.text if text is INSTEAD else ""
    detail = ", ".join(part for part in (shown, said.spread) if part not in ("", MISSING))
    own, other = values
    return Sentence(text.format(title=title, own=own, other=other), detail)


def uncompared(metric: Metric, *, fixed_rate: bool) -> Sentence:
    """Say why a run compares nothing in a metric."""
    text = UNMEASURED if fixed_rate or metric.load is Load.FULL_SPEED else UNALIKE
    return Sentence(text.format(title=capitalised(metric.short)), tone="unsure")


def stale(subject: Arm, baseline: Arm) -> Sentence:
    """Say how many first reads after a write were older than it, and how old they were."""
    found, other = subject.freshness, baseline.freshness
    if found is None or not found.first_reads:
        return Sentence(UNMEASURED_STALE, tone="unsure")
    if not found.first_stale:
        reads = plural(found.first_reads, "read")
        return Sentence(NEVER_STALE.format(reads=reads, server=subject.server))
    shares = [
        f"{share(one.first_stale / one.first_reads)}%" if one and one.first_reads else MISSING
        for one in (found, other)
    ]
    oldest = ""
    if found.longest_stale_ms is not None:
        age = scale_for([found.longest_stale_ms], "ms").quantity(found.longest_stale_ms)
        oldest = f"; at the longest, {age} passed until the write showed"
    return Sentence(
        STALE.format(own=shares[0], other=shares[1]),
        f"{found.first_stale:,} of {found.first_reads:,}{oldest}",
    )


def detectable(found: Comparison) -> str:
    """Say which change the rounds would have shown, where they show none; else nothing."""
    if found.direction is not Direction.UNCLEAR or found.ratio is None or not found.detectable:
        return ""
    return f"{share(found.detectable)}% would have been seen"


def upheld(agreeing: int, ratios: int) -> str:
    """Say how the bootstrap check came out."""
    return (
        f"A bootstrap-t interval, which assumes no normal law, agrees with Student's t on whether "
        f"there is a difference in {agreeing} of {plural(ratios, 'ratio')}."
    )


# A run under way, and why it ended.

PROVISIONAL = "Provisional: the run had not ended when this was made"
ENDED = prose.texts("ended")


def so_far(made: int, rounds: int, page: str) -> str:
    """Say how far a run is, and where its report so far is."""
    return f"Provisional, after {made} of {plural(rounds, 'round')}: {page}"


def ended(found: Precision, plan: Plan, *, out_of_time: bool) -> str:
    """Say why a run made no further rounds, and how sure its least sure deciding ratio is."""
    one, wanted = found.comparison, plan.precision or 0.0
    why = "precise" if found.half_width <= wanted else "time" if out_of_time else "rounds"
    return ENDED[why].format(
        rounds=plural(plan.rounds, "round"),
        minutes=number(plan.most_minutes),
        what=f"{BY_KEY[one.metric].short} of {one.subject} against {one.baseline} under "
        f"{found.scenario}",
        reached=per_cent(found.half_width),
        wanted=f"within {per_cent(wanted)}",
    )


def out_of_time(plan: Plan) -> str:
    """Say that time bounded a run whose plan wants no precision."""
    rounds, minutes = plural(plan.rounds, "round"), number(plan.most_minutes)
    return f"The {minutes} min of measuring that the plan allows were over after {rounds}."


# The first sentence: one an outcome.

OPEN = prose.texts("open_sentences")
CLOSED = prose.texts("closed_sentences")
TOO_FEW = {
    True: "One round cannot tell {subject} from {baseline}: more rounds are needed.",
    False: "{rounds} cannot tell {subject} from {baseline}: more rounds are needed.",
}
SUBJECTS = prose.texts("subjects")
BASELINES = prose.texts("baselines")
"""Arms as a stranger knows them; further ones are called by their names."""


def headline(scenario: Scenario, found: Comparison, metric: Metric, rounds: int) -> Sentence:
    """Say the first sentence of a scenario, with the interval and the rounds beside it."""
    said, few = factor(found, metric), rounds < INDICATIVE_BELOW
    shown = found.direction if found.times is not None else Direction.UNCLEAR
    detail = f"{plural(rounds, 'round')} compared pair by pair"
    if few:
        detail += f", indicative: fewer than {INDICATIVE_BELOW}"
    if said.bound:
        detail = f"95% confidence, {detail}"
    elif said.spread:
        detail = f"95% interval {said.spread}, {detail}"
    slots = {
        "subject": SUBJECTS.get(found.subject, f"the server {found.subject}"),
        "baseline": BASELINES.get(found.baseline, f"the server {found.baseline}"),
        "rounds": plural(rounds, "round"),
        "size": said.text,
        "link": _link(said.text),
        "what": metric.short,
        "rate": number(scenario.rate_rps),
    }
    if rounds < 2 or (shown is Direction.UNCLEAR and few):
        return Sentence(TOO_FEW[rounds < 2].format(**slots), detail if rounds > 1 else "", "unsure")
    sentences = OPEN if scenario.is_open else CLOSED
    tone = "unsure" if shown is Direction.UNCLEAR else ""
    return Sentence(sentences[shown].format(**slots), detail, tone)


BESIDE = prose.texts("beside")
BESIDE_DIFFERS = "At {load}, {name} by itself against {baseline}: {what} {size}."


def beside(found: Comparison, metric: Metric, scenario: Scenario) -> Sentence:
    """Say how the second baseline compares with the first."""
    said = factor(found, metric)
    slots = {"name": found.subject, "baseline": found.baseline, "what": metric.short}
    if metric.higher_is_better and found.direction is Direction.SAME:
        text = "At {load}, {name} by itself and {baseline} are practically alike in {what}."
    else:
        text = BESIDE.get(found.direction, BESIDE_DIFFERS)
    load = "full speed" if scenario.rate_rps is None else f"{number(scenario.rate_rps)} reads/s"
    return Sentence(text.format(size=said.text, load=load, **slots), said.spread)


def nothing_to_compare(scenario: ScenarioAnalysis) -> str:
    """Say why a scenario compares nothing."""
    servers = [arm.server for arm in scenario.contenders]
    if not servers:
        return FLOOR_ONLY if scenario.arms else NO_TRIAL
    missing = [server for server in scenario.missing if server != "none"]
    if missing:
        return (
            f"Only {servers[0]} was measured, so there is nothing to compare it with: no trial of "
            f"{joined(missing)} ended well."
        )
    return f"Only {servers[0]} was measured, so there is nothing to compare it with."


def no_read(servers: Sequence[str]) -> str:
    """Say who answered nothing."""
    return f"No read was answered by {joined(servers)}, so there is nothing to compare."


def asked(scenario: Scenario) -> str:
    """Describe a scenario: route, pods, load, churn."""
    route = f"{scenario.route}, " if scenario.route != scenario.name else ""
    churn = f", {number(scenario.churn_per_s)} writes/s to pods" if scenario.churn_per_s else ""
    several = f", {plural(scenario.replicas, 'replica')}" if scenario.replicas > 1 else ""
    return f"{route}{scenario.pods:,} pods, {load(scenario)}{churn}{several}"


def load(scenario: Scenario) -> str:
    """Describe the load of a scenario."""
    if scenario.rate_rps is None:
        return f"{plural(scenario.users, 'client')} at full speed"
    return f"{number(scenario.rate_rps)} reads/s offered"


def pairing(rounds: int) -> str:
    """Say what an interval over so many rounds is worth."""
    if rounds < 2:
        return "One round only: no interval can be given, and no conclusion drawn."
    few = f", indicative: fewer than {INDICATIVE_BELOW} rounds carry no firm one" * (
        rounds < INDICATIVE_BELOW
    )
    return f"Compared round by round; below each its 95% interval over {rounds} rounds{few}."


# Break-even.

VERDICTS = prose.texts("verdicts")
"""The calculator's script says them too, of its own figures."""
LINE = "the line by {what} is {line}"
UNTOLD = "This run cannot tell at how many reads per second an informer pays off."


RATES = {
    "none": ("none", "a read costs nothing measurable"),
    "no interval": ("{rate}", "no interval"),
    "no end": ("{rate}", "not below {low}, no upper end"),
    "untold": (MISSING, "too noisy to tell"),
    "free": ("from the first read", "the informer costs nothing measurable"),
    "below": ("at most {high}", "the informer's cost is too small to measure"),
    "at most": ("{rate}", "at most {high}"),
    "between": ("{rate}", "{low} to {high}"),
}
"""A break-even rate and its interval, by what is known of them; the calculator says them too."""
BEYOND = "none up to {highest}, by the line {rate}"


def break_even(found: BreakEven, highest: float) -> Factor:
    """Return the rate and its interval, in words; ``highest`` is the largest rate measured."""
    short = found.high is not None and found.low is not None and found.low >= SLOW
    shown = rate(found.rate or 0.0)
    if found.rate is not None and found.rate > highest:
        shown = BEYOND.format(highest=rate(highest), rate=shown)
    low, high = (
        "" if one is None else number(one) if short else rate(one)
        for one in (found.low, found.high)
    )
    text, spread = RATES[_known(found)]
    if low == high:
        spread = spread.removesuffix(" to {high}")
    return Factor(text.format(rate=shown, high=high), spread.format(low=low, high=high))


def _known(found: BreakEven) -> str:
    """Return which of ``RATES`` describes a rate."""
    if found.rate is None:
        return "none"
    if found.low is None:
        return "no interval"
    if found.high is None:
        return "no end" if found.low > 0 else "untold"
    if found.high == 0:
        return "free"
    if found.rate == 0:
        return "below"
    return "at most" if found.low == 0 else "between"


def verdict(model: CostModel, found: BreakEven, question: Question) -> Sentence:
    """Say whether an informer pays off in a situation, and where the line is."""
    said, reads = break_even(found, model.ranges.reads_per_s[1]), question.reads_per_s
    slots = {
        "reads": number(reads),
        "pods": number(question.pods),
        "churn": number(question.churn_per_s),
    }
    outcome = "may"
    if found.rate is None:
        outcome = "not"
    elif said.text == MISSING:
        outcome = "untold"
    elif found.high is not None and reads > found.high:
        outcome = "pays"
    elif found.low is not None and reads < found.low:
        outcome = "not"
    detail = LINE.format(what=BY_KEY[model.quantity].short, line=said.text)
    spread = f", {said.spread}" if said.spread else ""
    return Sentence(VERDICTS[outcome].format(**slots), detail + spread)


def pays_off(model: CostModel, found: BreakEven, question: Question) -> Sentence:
    """Say from which read rate on an informer pays off, by one quantity."""
    said = break_even(found, model.ranges.reads_per_s[1])
    where = f"with {number(question.pods)} pods and {number(question.churn_per_s)} writes/s"
    what, reader = BY_KEY[model.quantity].short, found.reader
    if said.text == MISSING:
        text = f"By {what}, this run cannot tell where an informer pays off {where}."
    elif found.rate is None or said.text.startswith("none"):
        text = f"By {what}, no measured read rate lets an informer pay off {where}."
        return Sentence(text, f"{said.text}; {said.spread}")
    elif said.text == "from the first read":
        text = f"By {what}, an informer pays off from the first read {where}."
    else:
        text = (
            f"By {what}, {informers(question.replicas)} cost less than {reader} from "
            f"{said.text} on, {where}."
        )
        if question.replicas == 1:
            text = text.replace("one informer cost less", "one informer costs less")
    return Sentence(text, said.spread)


def informers(replicas: float) -> str:
    """Return how many informers a situation has."""
    return "one informer" if replicas == 1 else f"{number(replicas)} informers"


def few_reads(said: Factor, small: Question, *, known: bool) -> str:
    """Say where an informer loses to reads that are few."""
    where = f"with {number(small.pods)} pods and {number(small.churn_per_s)} writes/s"
    shown = f"{said.text} ({said.spread})" if said.text != MISSING else said.spread
    if known:
        return (
            f"Few reads: {where} the line is {shown}. At fewer reads, asking each time costs the "
            "API server less CPU."
        )
    return (
        f"Few reads: {where} this run does not show the rate at which it begins to lose: {shown}."
    )


def churn_loses(found: BreakEven, pods: float) -> str:
    """Say how many writes cost as much as a read, by the rate at one write per second."""
    if not found.rate or (found.high is None and found.low is not None):
        return ""
    span = ""
    if found.high:
        least = number(1 / found.high)
        span = f" ({least} to {number(1 / found.low)})" if found.low else f" (at least {least})"
    return (
        f"Churn: the line rises in proportion to it. At {number(pods)} pods, about "
        f"{number(1 / found.rate)} writes{span} cost the API server as much CPU as one read by "
        f"{found.reader}."
    )


def replicas_lose(model: CostModel, small: Question, even: float) -> str:
    """Say from which rate on many replicas pay off; ``even`` is that of ``small``'s replicas."""
    most = model.ranges.replicas[1] if model.knows_replicas else 10 * small.replicas
    measured = (
        f"{number(model.ranges.replicas[0])} to {number(most)} were measured, and their costs "
        "fitted as a sum."
        if model.knows_replicas
        else f"{plural_of(number(small.replicas), 'replica')} measured; that costs add up is "
        "assumed."
    )
    return (
        f"Replicas: each watches for itself. {number(most)} of them pay off only from "
        f"{rate(most / small.replicas * even)} together, with {number(small.pods)} pods. {measured}"
    )


def short_lives() -> str:
    """Say what starts cost."""
    return (
        "Short lives of a large set: each start takes one list of everything. A replica that is "
        "read less than about once in its life saves nothing. These figures give it "
        f"{number(LIFETIME_S / 3600)} h."
    )


def rate_caption(model: CostModel) -> str:
    """Say what the table of break-even rates rests on."""
    least = rate(model.ranges.reads_per_s[0])
    return (
        "Reads per second, all replicas together, from which on the informer costs less; below "
        f"each its 95% interval. Rates below {least} were not measured: the line from no reads to "
        f"{least} is followed. A start is spread over {number(LIFETIME_S / 3600)} h."
    )


def measured_range(model: CostModel) -> str:
    """Say what a model was fitted on."""
    ranges = model.ranges
    return (
        f"Measured at {span(ranges.pods)} pods, "
        f"{plural_of(span(ranges.replicas), 'replica')}, "
        f"{span(ranges.reads_per_s)} reads/s and up to {number(ranges.churn_per_s[1])} writes/s. "
        f"Condition number of the design: {number(model.fit.condition)}."
    )


def span(ends: tuple[float, float]) -> str:
    """Show the least and the most of a range, once if they read alike."""
    return " to ".join(dict.fromkeys(number(end) for end in ends))


# Faults.


def fault_headline(answered: Mapping[str, tuple[int, int]], faults: int) -> str:
    """Say who went on answering, over all faults; empty if no trial tells."""
    shown = sorted(
        ((done / asked, server) for server, (done, asked) in answered.items() if asked),
        reverse=True,
    )
    if not shown:
        return ""
    ways = "" if faults == 1 else f" in {faults} ways"
    said = joined([f"{share(part)}% with {server}" for part, server in shown])
    return f"While the API server failed{ways}, readers got {said} of the answers in time."


def fault_lead(arm: FaultArm) -> str:
    """Say how one server went through a fault."""
    known = [one.fresh_s for one in arm.rounds if one.fresh_s is not None]
    answered = f"{arm.server} answered {arm.in_time:,} of {arm.asked:,} reads during the fault"
    if len(known) < len(arm.rounds):
        return f"{answered} and was not fresh again within the window."
    return f"{answered} and was fresh again {number(max(known))}{NO_BREAK}s after it."


NO_FAULT_TRIAL = "No trial shows how it went."


# Versions, replicas, controls.


def served_by_etcd(server: str, versions: Sequence[str], values: tuple[float, float]) -> str:
    """Say how many lists etcd served on the oldest and on the newest version."""
    shown = [number(max(0.0, round(value))) for value in values]
    return (
        f"{server}: of the lists for 1,000 reads etcd served {shown[0]} on {versions[0]} and "
        f"{shown[1]} on {versions[-1]}."
    )


def _link(size: str) -> str:
    """Return what follows a factor: 3 times as many *as*, 3 times fewer *than*."""
    return "as" if size.endswith(("as many", "as much")) else "than"


def version_cost(server: str, versions: Sequence[str], own: Estimate, metric: Metric) -> str:
    """Say by how much a cost changed between the oldest and the newest version."""
    if own.bounds is None or own.holds(1.0) or own.value <= 0:
        return f"{server}: no difference in {metric.short} shown between {joined(versions)}."
    spread = _size_spread(own.value, *own.bounds)
    size = _size(own.value, metric)
    return (
        f"{server}: {metric.short} per 1,000 reads is {size} on {versions[-1]} {_link(size)} on "
        f"{versions[0]} ({spread})."
    )


def version_start(server: str, versions: Sequence[str], values: tuple[float, float]) -> str:
    """Say how many requests a start takes on the oldest and on the newest version."""
    return (
        f"{server}: a start takes {number(values[0])} requests to the API server on {versions[0]} "
        f"and {number(values[1])} on {versions[-1]}."
    )


CONTROLS = prose.texts("controls_briefly")


def control_briefly(scenario: str, one: Control) -> str:
    """Say in a line whether a server measured twice was the same."""
    slots = {"server": one.server, "margin": share(one.margin), "scenario": scenario}
    return CONTROLS[one.verdict].format(**slots)


CONTROL_VERDICTS = prose.texts("control_verdicts")


def control(scenario: str, one: Control, metric: Metric) -> str:
    """Say what a server measured twice showed."""
    name = f"{one.server} against itself under {scenario}, {metric.short}"
    if one.ratio is None:
        return f"{name}: no round has both measurements, so nothing is shown."
    within = ""
    if one.ratio.bounds is not None:
        low, high = one.ratio.bounds
        within = f", {one.confidence:.0%} interval {low:.3g} to {high:.3g}"
    seen = one.ratio.detectable
    power = f" Rounds like these would show a difference of {share(seen)}%." if seen else ""
    return (
        f"{name}: {one.ratio.value:.3g} times{within}; margin {share(one.margin)}%. "
        f"{CONTROL_VERDICTS[one.verdict]}{power}"
    )


def times_of(own: Estimate | None) -> str:
    """Say a factor and its interval: ``0.02 x [0.018 to 0.024]``; empty without one."""
    if own is None:
        return ""
    value = _plain_times(own.value)
    shown = f"{value}{NO_BREAK}\N{MULTIPLICATION SIGN}"
    if own.bounds is None:
        return shown
    low, high = (_plain_times(bound) for bound in own.bounds)
    return shown if low == high == value else f"{shown} [{low}{NO_BREAK}to{NO_BREAK}{high}]"
