"""The answer in a sentence: what the run shows, with its uncertainty, or why it shows nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.compare import compare, subject_of
from bench.analysis.latency import Percentile
from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.model import CaveatKind
from bench.report.arms import contenders
from bench.report.numbers import number, scale_for, share
from bench.report.relative import (
    ASPECTS,
    Direction,
    Relative,
    bracketed_share,
    relative,
    relatives,
)
from bench.report.versus import Versus, in_words, requests_factor, versus

VOID_TITLES = {
    CaveatKind.CONTROL_FIRED: "The same server, measured twice, differed from itself",
    CaveatKind.ANSWERS_DIFFER: "The servers did not answer alike",
    CaveatKind.STALE_ANSWERS: "A server gave stale answers",
    CaveatKind.LEDGERS_DISAGREE: "The ledgers of API requests disagree",
    CaveatKind.API_SERVER_RESTARTED: "The API server restarted during a trial",
    CaveatKind.RUN_INCOMPLETE: "This run is incomplete",
}
CPU = ("control_plane_cpu", "apiserver_cpu")
"""What the sentence calls the control plane's work: the first of these that was measured."""
FRESH_ENOUGH = "direct-rv0"
"""The baseline that reads as the informer does: content with what a cache holds."""


def void_title(kind: CaveatKind) -> str:
    """Return the heading of what voids a run."""
    return VOID_TITLES.get(kind, str(kind).capitalize())


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario's answer: a sentence, and the subject against each other server."""

    scenario: str
    headline: str
    versus: Versus | None


@dataclass(frozen=True, slots=True)
class Balance:
    """Everything compared with one baseline, sorted by what can be said of it."""

    subject: str
    baseline: str
    less: tuple[Relative, ...]
    more: tuple[Relative, ...]
    same: tuple[Relative, ...]
    unclear: tuple[Relative, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The scenarios that the top of the page speaks of: a fixed rate, and full speed."""

    steady: ScenarioAnalysis | None
    capacity: ScenarioAnalysis | None


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


def verdicts(analysis: RunAnalysis) -> list[Verdict]:
    """Return one verdict a scenario."""
    return [_verdict(scenario) for scenario in analysis.scenarios]


def balances(choice: Choice) -> list[Balance]:
    """Sort what was compared, a balance a baseline: the open scenario first, then full speed."""
    chosen = [one for one in (choice.steady, choice.capacity) if one is not None]
    names = dict.fromkeys(c.baseline for one in chosen for c in one.comparisons)
    found = []
    for name in names:
        lines = unique([line for one in chosen for line in relatives(one, name)])
        if lines:
            sorted_by = {
                direction: tuple(line for line in lines if line.direction is direction)
                for direction in Direction
            }
            found.append(
                Balance(
                    lines[0].subject,
                    name,
                    sorted_by[Direction.LESS],
                    sorted_by[Direction.MORE],
                    sorted_by[Direction.SAME],
                    sorted_by[Direction.UNCLEAR],
                )
            )
    return found


def unique(lines: Sequence[Relative]) -> list[Relative]:
    """Keep the first of each aspect: that of the fixed rate, where both kinds of load have it."""
    kept: dict[str, Relative] = {}
    for line in lines:
        kept.setdefault(line.aspect.key, line)
    return list(kept.values())


def alone(scenario: ScenarioAnalysis | None) -> str:
    """Say what ``resourceVersion=0`` changes by itself, against a consistent read; or nothing."""
    arms = {arm.server: arm for arm in contenders(scenario.arms)} if scenario else {}
    first, other = arms.get("direct"), arms.get(FRESH_ENOUGH)
    if first is None or other is None:
        return ""
    said: list[str] = []
    for aspect in ASPECTS:
        if aspect.key not in (*CPU, "api_bytes", "p50") or aspect.key not in other.figures:
            continue
        compared = compare(other, first, aspect.key, per_1000=aspect.per_1000)
        line = relative(compared, aspect) if compared is not None else None
        if line is not None and not (aspect.key == CPU[1] and said):
            said.append(f"{aspect.title} {line.words}{_unless_clear(line)}")
    if not said:
        return ""
    return f"{FRESH_ENOUGH}, by itself, against direct: {'; '.join(said)}."


def _unless_clear(line: Relative) -> str:
    words = {Direction.UNCLEAR: ", no difference shown", Direction.SAME: ", practically the same"}
    return words.get(line.direction, "")


def _verdict(scenario: ScenarioAnalysis) -> Verdict:
    name = scenario.scenario.name
    subject = subject_of(scenario.arms)
    if subject is None:
        return Verdict(name, _nothing_to_compare(scenario), None)
    baselines = [arm for arm in contenders(scenario.arms) if arm is not subject]
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
    servers = [arm.server for arm in contenders(scenario.arms)]
    if not servers:
        if scenario.arms:
            return "No server was measured, only the floor, so there is nothing to compare."
        return "No trial of this scenario ended well, so there is no figure to show."
    missing = [server for server in scenario.missing if server != "none"]
    lacking = f" (no good trial of {_listed(missing)})" if missing else ""
    return f"Only {servers[0]} was measured{lacking}, so there is nothing to compare it with."


def _headline(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    """Say it in one sentence: requests, what the control plane was spared, what clients felt."""
    rate = scenario.scenario.rate_rps
    parts = [
        _requests_part(scenario, subject, baseline),
        _cpu_part(scenario, baseline) if rate is not None else _throughput_part(scenario, baseline),
        _latency_part(scenario, subject, baseline),
    ]
    said = [part for part in parts if part]
    if not said:
        return "Neither requests nor latency could be compared."
    load = f"At {number(rate)} reads/s" if rate is not None else "At full speed"
    body = ", ".join(said[:-1]) + (", and " if len(said) > 1 else "") + said[-1]
    return f"{load}, {subject.server} {body}."


def _requests_part(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    if subject.reached is None or not baseline.reached:
        return ""
    own = number(subject.reached * 1000 / subject.reads) if subject.reached else "no"
    other = number(baseline.reached * 1000 / baseline.reads)
    factor = requests_factor(
        scenario.comparison("api_requests", baseline.server, per_1000=True), subject, baseline
    )
    return (
        f"sent the API server {own} requests for 1,000 reads where {baseline.server} sent {other}"
        + (f" ({factor.replace(' (95%)', ', 95%')})" if factor else "")
    )


def _cpu_part(scenario: ScenarioAnalysis, baseline: Arm) -> str:
    found = {line.aspect.key: line for line in relatives(scenario, baseline.server)}
    line = next((found[key] for key in CPU if key in found), None)
    if line is None:
        return ""
    part = f"{share(line.value)}%{bracketed_share(line)}"
    whose = "control plane" if line.aspect.key == CPU[0] else "API server"
    if line.direction is Direction.LESS and line.low is not None and line.low <= -1:
        # Less than the floor is the floor's noise: what is shown is that next to nothing is left.
        least = f" (95%: at least {share(line.high)}%)" if line.high and line.high > -1 else ""
        return f"took all of {baseline.server}'s CPU{least} off the {whose}"
    if line.direction is Direction.LESS:
        return f"took {part} of {baseline.server}'s CPU off the {whose}"
    if line.direction is Direction.MORE:
        return f"put {part} more CPU on the {whose}"
    if line.low is None:
        return (
            f"{'took' if line.value < 0 else 'added'} {share(line.value)}% of its CPU in one round"
        )
    return f"showed no difference in the {whose}'s CPU in {len(line.rounds)} rounds"


def _throughput_part(scenario: ScenarioAnalysis, baseline: Arm) -> str:
    throughput = scenario.comparison("throughput", baseline.server)
    if throughput is None or throughput.ratio is None:
        return ""
    return f"answered {in_words(throughput.ratio, 'times as many reads', 'times fewer reads')}"


def _latency_part(scenario: ScenarioAnalysis, subject: Arm, baseline: Arm) -> str:
    own, other = subject.percentiles[0], baseline.percentiles[0]
    if own.value_ms is None or other.value_ms is None:
        return ""
    shown = f"{_milliseconds(own)} against {_milliseconds(other)}"
    compared = scenario.comparison("p50", baseline.server)
    if compared is None or compared.ratio is None:
        return f"took {shown} for the median read"
    words = in_words(compared.ratio, "times longer", "times shorter")
    return f"took {shown} for the median read ({words})"


def _milliseconds(one: Percentile) -> str:
    scale = scale_for((one.value_ms,), "ms")
    return f"{'at least ' if one.at_least else ''}{scale.show(one.value_ms)} {scale.unit}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
