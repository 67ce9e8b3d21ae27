"""The same against the same: what this instrument finds where there is nothing to find."""

from dataclasses import dataclass

from bench.analysis.controls import Control
from bench.analysis.intervals import Verdict
from bench.analysis.run import ScenarioAnalysis
from bench.report.chart import Chart
from bench.report.charts.paired import paired
from bench.report.numbers import share
from bench.report.relative import ASPECTS, Aspect, Relative, relative, without_parts

SERVICE = Aspect("service_p50", "median service time")
WORDS = {
    Verdict.EQUIVALENT: "the same within the margin, as it must be",
    Verdict.DIFFERENT: "different: the control fired",
    Verdict.UNDECIDED: "neither shown the same nor shown different by so few rounds",
}


@dataclass(frozen=True, slots=True)
class ControlRow:
    """What a control found, in a sentence, and its rounds as a chart."""

    text: str
    fired: bool
    chart: Chart | None


def control_rows(scenario: ScenarioAnalysis, prefix: str) -> list[ControlRow]:
    """Return the controls of ``scenario``; empty where the plan has none."""
    return [
        ControlRow(_text(one), one.fired, _chart(one, f"{prefix}-control-{index}"))
        for index, one in enumerate(scenario.controls)
    ]


def _text(control: Control) -> str:
    name = f"{control.server} against itself under {control.scenario}"
    if control.ratio is None:
        return f"{name}: no round has both measurements, so nothing is shown."
    value, low, high = control.ratio
    within = ""
    if low is not None and high is not None and control.found is not None:
        within = f", {control.found.confidence:.0%} interval {low:.3g} to {high:.3g}"
    return (
        f"{name}, {control.metric.title.lower()}, named beforehand: {value:.3g} times{within}; "
        f"margin {share(control.margin)}%. They are {WORDS[control.verdict]}."
    )


def _chart(control: Control, name: str) -> Chart | None:
    groups: list[tuple[str, list[Relative]]] = []
    lines = []
    for aspect in (*ASPECTS, SERVICE):
        one = control.comparison(aspect.key, per_1000=aspect.per_1000)
        line = relative(one, aspect) if one is not None else None
        if line is not None:
            lines.append(line)
    groups = [(line.aspect.title, [line]) for line in without_parts(lines)]
    title = f"{control.server} against itself, {control.scenario}"
    note = "Only the metric named beforehand decides: of so many, one or two look different."
    return paired(groups, name, title, note=note)
