"""What freshness probe and bystander do to what they look at: the same load with and without them.

A plan that has a scenario twice, once with ``probe = false`` (``observers.toml``
does), measures it: paired by round, as any two arms are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.analysis.intervals import Interval, mean_interval
from bench.analysis.scenario import ScenarioAnalysis
from bench.analysis.summary import Arm, Figure
from bench.model import Caveat, CaveatKind, Scenario

SHOWN = ("apiserver_cpu", "server_cpu", "p50")
"""The metrics told of, by key: what the control plane, the server and a client pay."""


def observer_effects(scenarios: Sequence[ScenarioAnalysis]) -> Iterator[Caveat]:
    """Yield one caveat for each arm that was measured with the observers and without."""
    for observed in scenarios:
        for bare in scenarios:
            if observed.scenario.probe and _same_but_for_probe(observed.scenario, bare.scenario):
                yield from _of_pair(observed, bare)


def _same_but_for_probe(observed: Scenario, bare: Scenario) -> bool:
    alike = replace(observed, name=bare.name, probe=False, control=bare.control)
    return alike == bare


def _of_pair(observed: ScenarioAnalysis, bare: ScenarioAnalysis) -> Iterator[Caveat]:
    without = {arm.server: arm for arm in bare.arms}
    for arm in observed.arms:
        other = without.get(arm.server)
        texts = [text for key in SHOWN if other and (text := _effect(arm, other, key))]
        if texts:
            yield Caveat(
                CaveatKind.OBSERVER_EFFECT,
                f"with freshness probe and bystander, against {bare.scenario.name} without: "
                f"{'; '.join(texts)}",
                observed.scenario.name,
                arm.server,
            )


def _effect(observed: Arm, bare: Arm, key: str) -> str | None:
    """Return the mean difference of the rounds that both have, in words."""
    one, other = observed.figures.get(key), bare.figures.get(key)
    if one is None or other is None:
        return None
    difference = _difference(one, other)
    if difference is None:
        return None
    text = f"{one.metric.title} {difference.value:+.3g} {one.metric.unit}"
    if difference.low is None or difference.high is None:
        return f"{text} (a single round)"
    return f"{text} ({difference.low:+.3g} to {difference.high:+.3g})"


def _difference(one: Figure, other: Figure) -> Interval | None:
    rounds = sorted(one.rounds.keys() & other.rounds.keys())
    return mean_interval([one.rounds[each] - other.rounds[each] for each in rounds])
