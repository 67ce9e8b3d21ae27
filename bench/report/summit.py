"""The top of the page: the answer, its five numbers, the rounds behind it, and the bill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.compare import subject_of
from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.report.answer import Balance, Choice, alone, balances, choose, unique, verdicts
from bench.report.cards import Card, Place, cards
from bench.report.chart import Chart
from bench.report.charts.paired import paired
from bench.report.charts.palette import colour_of
from bench.report.costs import Costs, costs
from bench.report.footnotes import Note
from bench.report.relative import Relative, relatives
from bench.report.svg import css_colour

MOST_BASELINES = 2
"""Lines a metric in the chart of differences; further servers are in the tables."""

Places = Mapping[str, tuple[str, Sequence[Note]]]
"""Scenario -> the anchor of its section and its footnotes."""


@dataclass(frozen=True, slots=True)
class Summit:
    """What stands before everything else, of the scenarios that ``choice`` names."""

    headline: str
    """One sentence, with figures and uncertainty; or why there is none."""
    also: tuple[str, ...]
    """The same of full speed, and of ``resourceVersion=0`` by itself."""
    choice: Choice
    cards: tuple[Card, ...]
    differences: Chart | None
    balances: tuple[Balance, ...]
    costs: Costs | None
    colours: dict[str, str]
    """CSS colour by server."""


def summit(analysis: RunAnalysis, places: Places) -> Summit | None:
    """Return the top of the page; ``None`` for a run without a scenario."""
    if not analysis.scenarios:
        return None
    choice = choose(analysis)
    chosen = [one for one in (choice.steady, choice.capacity) if one is not None]
    said = {verdict.scenario: verdict.headline for verdict in verdicts(analysis)}
    if not chosen:
        first = analysis.scenarios[0].scenario.name
        return Summit(said[first], (), choice, (), None, (), None, {})
    headlines = [said[one.scenario.name] for one in chosen]
    subject = next((arm.server for one in chosen if (arm := subject_of(one.arms))), "")
    steady, capacity = (_place(one, places) for one in (choice.steady, choice.capacity))
    servers = list(dict.fromkeys(arm.server for one in chosen for arm in one.arms))
    bill = steady or capacity
    return Summit(
        headline=headlines[0],
        also=tuple(text for text in (*headlines[1:], alone(choice.steady)) if text),
        choice=choice,
        cards=tuple(cards(steady, capacity, subject)),
        differences=_differences(choice),
        balances=tuple(balances(choice)),
        costs=costs(bill, subject) if bill else None,
        colours={server: css_colour(colour_of(server, servers)) for server in servers},
    )


def _place(scenario: ScenarioAnalysis | None, places: Places) -> Place | None:
    if scenario is None:
        return None
    anchor, notes = places[scenario.scenario.name]
    return Place(scenario, anchor, notes)


def _differences(choice: Choice) -> Chart | None:
    chosen = [one for one in (choice.steady, choice.capacity) if one is not None]
    baselines = list(dict.fromkeys(c.baseline for one in chosen for c in one.comparisons))
    groups: dict[str, list[Relative]] = {}
    for baseline in baselines[:MOST_BASELINES]:
        for line in unique([each for one in chosen for each in relatives(one, baseline)]):
            groups.setdefault(line.aspect.title, []).append(line)
    subject = next((line.subject for lines in groups.values() for line in lines), "")
    return paired(
        list(groups.items()), "differences", f"{subject} against the others, round by round"
    )
