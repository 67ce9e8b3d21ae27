"""The answer in a sentence: what the run shows, with its uncertainty, or why it shows nothing."""

from dataclasses import dataclass

from bench.analysis.compare import Comparison, subject_of
from bench.analysis.latency import Percentile
from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.model import CaveatKind
from bench.report.numbers import number, scale_for
from bench.report.versus import Versus, bracketed, in_words, requests_factor, versus

VOID_TITLES = {
    CaveatKind.CONTROL_FIRED: "The same server, measured twice, differed from itself",
    CaveatKind.ANSWERS_DIFFER: "The servers did not answer alike",
    CaveatKind.LEDGERS_DISAGREE: "The ledgers of API requests disagree",
    CaveatKind.RUN_INCOMPLETE: "This run is incomplete",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario's answer: a sentence, and the subject against each other server."""

    scenario: str
    headline: str
    versus: Versus | None


def verdicts(analysis: RunAnalysis) -> list[Verdict]:
    """Return one verdict a scenario."""
    return [_verdict(scenario) for scenario in analysis.scenarios]


def _verdict(scenario: ScenarioAnalysis) -> Verdict:
    name = scenario.scenario.name
    subject = subject_of(scenario.arms)
    if subject is None:
        return Verdict(name, _nothing_to_compare(scenario), None)
    baselines = [arm for arm in scenario.arms if not arm.is_floor and arm is not subject]
    silent = [arm.server for arm in (*baselines, subject) if not arm.reads]
    if not subject.reads or len(silent) == len(baselines):
        text = f"{_listed(silent)} answered no read, so there is nothing to compare."
        return Verdict(name, text, None)
    compared = versus(scenario, subject, baselines)
    if compared is None:
        return Verdict(name, "No round has two servers in it, so nothing can be compared.", None)
    first = next(arm for arm in baselines if arm.reads)
    return Verdict(name, _headline(scenario, subject, first), compared)


def _nothing_to_compare(scenario: ScenarioAnalysis) -> str:
    servers = [arm.server for arm in scenario.arms if not arm.is_floor]
    if not servers:
        if scenario.arms:
            return "No server was measured, only the floor, so there is nothing to compare."
        return "No trial of this scenario ended well, so there is no figure to show."
    missing = [server for server in scenario.missing if server != "none"]
    lacking = f" (no good trial of {_listed(missing)})" if missing else ""
    return f"Only {servers[0]} was measured{lacking}, so there is nothing to compare it with."


def _headline(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    parts = [_requests_part(scenario, subject, baseline)]
    if scenario.scenario.is_open:
        cost = scenario.comparison("apiserver_cpu", baseline.server)
        parts.append(_cpu_part(scenario, cost) if cost else "")
    else:
        throughput = scenario.comparison("throughput", baseline.server)
        if throughput is not None and throughput.ratio is not None:
            word = in_words(throughput.ratio, "times as many reads", "times fewer reads")
            parts.append(f"At full speed {subject.server} answered {word}")
    parts.append(_latency_part(scenario, subject, baseline))
    said = " ".join(f"{part}." for part in parts if part)
    return said or "Neither requests nor latency could be compared."


def _requests_part(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    if subject.reached is None or not baseline.reached:
        return ""
    own = number(subject.reached * 1000 / subject.reads) if subject.reached else "none"
    other = number(baseline.reached * 1000 / baseline.reads)
    factor = requests_factor(
        scenario.comparison("api_requests", baseline.server, per_1000=True), subject, baseline
    )
    return (
        f"For 1,000 reads, {baseline.server} sent the API server {other} requests and "
        f"{subject.server} {own}" + (f": {factor}" if factor else "")
    )


def _cpu_part(scenario: ScenarioAnalysis, cost: Comparison) -> str:
    spread = cost.difference
    if spread is None:
        return ""
    less = spread.value <= 0
    low, high = (spread.low, spread.high) if not less else (spread.high, spread.low)
    within = ""
    if low is not None and high is not None:
        within = " " + bracketed(number(abs(low)), number(abs(high)))
    if spread.low is not None and spread.high is not None and spread.low <= 0 <= spread.high:
        rounds = f"{spread.rounds} round{'s' if spread.rounds > 1 else ''}"
        return f"In {rounds} no difference in API-server CPU could be shown"
    rate = number(scenario.scenario.rate_rps)
    word = "less" if less else "more"
    return (
        f"At {rate} reads/s the API server spent {number(abs(spread.value))}{within} ms of CPU a "
        f"second {word} with {cost.subject}"
    )


def _latency_part(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    own, other = subject.percentiles[0], baseline.percentiles[0]
    if own.value_ms is None or other.value_ms is None:
        return ""
    compared = scenario.comparison("p50", baseline.server)
    factor = ""
    if compared is not None and compared.ratio is not None:
        factor = f": {in_words(compared.ratio, 'times longer', 'times shorter')}"
    return (
        f"The median read took {_milliseconds(own)} with {subject.server}, "
        f"{_milliseconds(other)} with {baseline.server}{factor}"
    )


def _milliseconds(one: Percentile) -> str:
    scale = scale_for((one.value_ms,), "ms")
    return f"{'at least ' if one.at_least else ''}{scale.show(one.value_ms)} {scale.unit}"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
