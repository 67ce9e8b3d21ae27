"""One scenario of a run: its arms, how they compare, and its controls."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.compare import Comparison, compare_all
from bench.analysis.controls import Control, controls_of
from bench.analysis.metrics import Facts
from bench.analysis.summary import Arm, presentation_order, summarise
from bench.model import AGAIN, Plan, Scenario


@dataclass(frozen=True, slots=True)
class ScenarioAnalysis:
    """One scenario: its arms in presentation order, and how they compare.

    ``arms`` are the servers and the floor; what is measured as a control is in
    ``controls`` alone, and no contender.
    """

    scenario: Scenario
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    missing: tuple[str, ...]
    """Servers of the plan without a single good trial."""
    controls: tuple[Control, ...] = ()

    def comparison(self, key: str, baseline: str, *, per_1000: bool = False) -> Comparison | None:
        """Return the comparison with ``baseline`` in the metric ``key``, if there is one."""
        for one in self.comparisons:
            if (one.metric.key, one.baseline, one.per_1000) == (key, baseline, per_1000):
                return one
        return None


def analyse_scenario(
    scenario: Scenario, facts: Sequence[Facts], plan: Plan, confidence: float
) -> ScenarioAnalysis:
    """Summarise and compare the good trials of ``scenario`` among ``facts``."""
    own = [fact for fact in facts if fact.record.trial.scenario == scenario.name]
    planned = plan.arms(scenario)
    servers = list(dict.fromkeys([*planned, *(fact.record.trial.server for fact in own)]))
    measured = summarise(scenario, own, servers, confidence)
    arms = [arm for arm in measured if not arm.is_control]
    lacking = set(servers) - {arm.server for arm in measured}
    return ScenarioAnalysis(
        scenario,
        tuple(arms),
        tuple(compare_all(arms, confidence)),
        tuple(
            server
            for server in presentation_order(servers)
            if server in lacking and not server.endswith(AGAIN)
        ),
        tuple(controls_of(measured, confidence)),
    )
