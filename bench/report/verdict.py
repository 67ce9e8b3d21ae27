"""The answer in sentences: what the run shows, with its uncertainty, or why it shows nothing."""

from dataclasses import dataclass

from bench.analysis.compare import Comparison, Form, subject_of
from bench.analysis.intervals import INDICATIVE_BELOW, Interval, poisson_bounds
from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.model import CaveatKind
from bench.report.numbers import number, scale_for, times, times_at_least

VOID_TITLES = {
    CaveatKind.ANSWERS_DIFFER: "The servers did not answer alike",
    CaveatKind.LEDGERS_DISAGREE: "The ledgers of API requests disagree",
    CaveatKind.RUN_INCOMPLETE: "This run is incomplete",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario's answer: a sentence, then what belongs beside it."""

    scenario: str
    headline: str
    details: tuple[str, ...]


def verdicts(analysis: RunAnalysis) -> list[Verdict]:
    """Return one verdict a scenario."""
    return [_verdict(scenario) for scenario in analysis.scenarios]


def _verdict(scenario: ScenarioAnalysis) -> Verdict:
    name = scenario.scenario.name
    subject = subject_of(scenario.arms)
    if subject is None:
        return Verdict(name, _nothing_to_compare(scenario), ())
    baselines = [arm for arm in scenario.arms if not arm.is_floor and arm is not subject]
    if not subject.reads or not any(arm.reads for arm in baselines):
        silent = [arm.server for arm in (*baselines, subject) if not arm.reads]
        text = f"No read was answered by {_listed(silent)}, so there is nothing to compare."
        return Verdict(name, text, ())
    sentences = [text for arm in baselines for text in _against(scenario, subject, arm)]
    if not sentences:
        return Verdict(name, "No round has two servers in it, so nothing can be compared.", ())
    details = [*sentences[1:], *_price(scenario, subject, baselines)]
    if rounds := _rounds_remark(subject):
        details.append(rounds)
    return Verdict(name, sentences[0], tuple(details))


def _nothing_to_compare(scenario: ScenarioAnalysis) -> str:
    servers = [arm.server for arm in scenario.arms if not arm.is_floor]
    if not servers:
        return "No trial of this scenario ended well, so there is no figure to show."
    missing = [server for server in scenario.missing if server != "none"]
    lacking = f" ({_listed(missing)} has no good trial)" if missing else ""
    return f"Only {servers[0]} was measured{lacking}, so there is nothing to compare it with."


def _against(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> list[str]:
    found = []
    if subject.reached is not None and baseline.reached is not None and baseline.reads:
        found.append(_requests_sentence(scenario, subject, baseline))
    parts = []
    latency = scenario.comparison("p50", baseline.server)
    if latency is not None and latency.ratio is not None:
        parts.append(_latency_part(subject, baseline, latency.ratio))
    throughput = scenario.comparison("throughput", baseline.server)
    if not scenario.scenario.is_open and throughput is not None and throughput.ratio is not None:
        parts.append(f"answered {_factor(throughput.ratio, 'times as many', 'as many')} reads")
    if parts:
        found.append(f"Against {baseline.server}, {subject.server} {' and '.join(parts)}.")
    cost = scenario.comparison("apiserver_cpu", baseline.server)
    if scenario.scenario.is_open and cost is not None:
        found.append(_cpu_sentence(cost))
    return found


def _requests_sentence(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    compared = scenario.comparison("api_requests", baseline.server, per_1000=True)
    own, other = _per_1000(subject), _per_1000(baseline)
    text = (
        f"For 1,000 reads, {baseline.server} sent the API server {other} requests and "
        f"{subject.server} {own}"
    )
    if compared is None:
        return text + "."
    if compared.form is Form.AT_LEAST and compared.at_least is not None:
        return f"{text}: at least {times_at_least(compared.at_least)} times fewer (95%)."
    if compared.ratio is not None:
        return f"{text}: {_factor(compared.ratio, 'times as many', 'as many')}."
    return text + "."


def _per_1000(arm: Arm) -> str:
    """Requests for 1,000 reads; for few of them, with the exact bound."""
    reached = arm.reached or 0
    shown = number(reached * 1000 / arm.reads)
    if reached >= 10:
        return shown
    high = poisson_bounds(reached)[1] * 1000 / arm.reads
    return f"{shown} (at most {number(high)}, 95%)"


def _latency_part(subject: Arm, baseline: Arm, ratio: Interval) -> str:
    own, other = subject.percentiles[0], baseline.percentiles[0]
    if own.value_ms is None or other.value_ms is None:
        return f"had a median latency {_factor(ratio, 'times as long', 'as long')}"
    scale = scale_for((own.value_ms, other.value_ms), "ms")
    prefix = [">= " if one.at_least else "" for one in (own, other)]
    return (
        f"had a median latency of {prefix[0]}{scale.show(own.value_ms)} {scale.unit} against "
        f"{prefix[1]}{scale.show(other.value_ms)} {scale.unit} "
        f"({_factor(ratio, 'times longer', 'times shorter', invert=True)})"
    )


def _factor(ratio: Interval, more: str, less: str, *, invert: bool = False) -> str:
    """Say a ratio above 1 with ``more``, below 1 with ``less``, each with its interval."""
    value, low, high = ratio.value, ratio.low, ratio.high
    if value < 1 and invert:
        value = 1 / value
        low, high = (
            None if ratio.high is None else 1 / ratio.high,
            None if ratio.low is None else 1 / ratio.low,
        )
        word = less
    elif value < 1:
        word = f"times {less}"
    else:
        word = more
    within = "" if low is None or high is None else f" [{times(low)} to {times(high)}]"
    return f"{times(value)}{within} {word}"


def _cpu_sentence(cost: Comparison) -> str:
    values = [sum(pair[side] for pair in cost.pairs.values()) / len(cost.pairs) for side in (0, 1)]
    text = (
        f"Serving the same reads cost the API server {number(values[0])} ms of CPU a second with "
        f"{cost.subject} and {number(values[1])} with {cost.baseline}"
    )
    spread = cost.difference
    if spread is None or spread.low is None or spread.high is None:
        return text + "."
    gap = f"{number(spread.value)} [{number(spread.low)} to {number(spread.high)}]"
    if spread.low <= 0 <= spread.high:
        return f"{text}; the difference, {gap}, may be none."
    return f"{text} (difference {gap})."


def _price(scenario: ScenarioAnalysis, subject: Arm, baselines: list[Arm]) -> list[str]:
    """Say what the subject costs the application itself."""
    own = subject.figures["memory_end"].interval
    other = baselines[0].figures["memory_end"].interval
    if own is None or other is None:
        return []
    scale = scale_for((own.value, other.value), "B")
    text = (
        f"In exchange {subject.server} held {scale.show(own.value)} {scale.unit} of memory, "
        f"{baselines[0].server} {scale.show(other.value)} {scale.unit}"
    )
    ready = subject.figures["ready"].interval, baselines[0].figures["ready"].interval
    if ready[0] is not None and ready[1] is not None:
        text += (
            f", and was ready {number(ready[0].value)} s after its start "
            f"({baselines[0].server}: {number(ready[1].value)} s)"
        )
    return [text + f", with {scenario.scenario.pods:,} pods in the cluster."]


def _rounds_remark(subject: Arm) -> str:
    rounds = len(subject.facts)
    if rounds == 1:
        return "One round only: no interval can be given, and no conclusion drawn."
    if rounds < INDICATIVE_BELOW:
        return (
            f"Brackets are 95% intervals over {rounds} rounds: indicative, since fewer than "
            f"{INDICATIVE_BELOW} rounds carry no firm one."
        )
    return f"Brackets are 95% intervals over {rounds} rounds."


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
