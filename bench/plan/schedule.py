"""From a plan to its trials in their order, and how long they take."""

import random
from collections.abc import Iterator, Sequence

from bench.model import BASE, NO_SERVER, Plan, Trial

SECONDS_BESIDE_A_TRIAL = 6.5
"""A look at the machine, start of the server, pauses at the marks, scrapes, the check after the
window, stop. A machine that is not calm takes up to the plan's ``cooldown_s`` more."""
SECONDS_BESIDE_THE_TRIALS = 30.0
"""Control plane, population, equality phase, report."""
SECONDS_A_PROCESS = 0.8
"""What each further replica or worker adds to a trial: its start, and more answers to check."""
SECONDS_A_CLIENT = 5.0
"""What a client adds to a trial beside the wait until it is quiet: a rest before its start."""
SECONDS_FOR_A_CONTROL_PLANE = 8.0
"""One more control plane: start, population, observers, stop."""


def trials(plan: Plan) -> tuple[Trial, ...]:
    """Return the plan's trials in the order in which they are run.

    Rounds are the outer loop. Within a round and scenario the arms, a control
    among them, come in an order drawn from the seed; every second round takes the
    order of the one before backwards (ABBA), so that a steady drift of the machine
    cancels. A server and the same one of another checkout follow each other. A plan with more
    rounds begins with the very trials of one with fewer.
    Where scenarios are on several versions of Kubernetes, every second round takes the scenarios
    backwards too, for the same reason: it is they that are compared.
    """
    return tuple(
        Trial(order, scenario, server, number)
        for order, (number, scenario, server) in enumerate(_interleaved(plan))
    )


def predicted_s(plan: Plan) -> float:
    """Return about how long a run takes once environment and binaries are cached, in seconds.

    Without the rounds that it may buy, and no longer than its plan lets it measure.
    """
    measuring_s = _version_changes(plan) * SECONDS_FOR_A_CONTROL_PLANE
    for trial in trials(plan):
        scenario, client = plan.scenario(trial.scenario), plan.client_of(trial.server)
        measuring_s += plan.warmup_s + plan.duration_s + SECONDS_BESIDE_A_TRIAL
        if trial.server != NO_SERVER:
            measuring_s += (scenario.replicas * scenario.workers - 1) * SECONDS_A_PROCESS
        if client is not None:
            measuring_s += SECONDS_A_CLIENT + client.quiet_s
        if scenario.fresh_control_plane:
            measuring_s += SECONDS_FOR_A_CONTROL_PLANE
    if plan.most_minutes is not None:
        measuring_s = min(measuring_s, plan.most_minutes * 60)
    return measuring_s + SECONDS_BESIDE_THE_TRIALS


def _version_changes(plan: Plan) -> int:
    """Return how many control planes are started for their version, beyond the first."""
    if not plan.compares_versions:
        return 0
    shared = {
        (one.kubernetes, one.apiserver_args, one.pods)
        for one in plan.scenarios
        if not one.fresh_control_plane
    }
    return max(0, len(shared) * plan.rounds - 1)


def _interleaved(plan: Plan) -> Iterator[tuple[int, str, str]]:
    rng = random.Random(f"order/{plan.seed}")
    orders = {scenario.name: _pairs(plan.arms(scenario)) for scenario in plan.scenarios}
    for number in range(1, plan.rounds + 1):
        backwards = number % 2 == 0 and plan.compares_versions
        for scenario in reversed(plan.scenarios) if backwards else plan.scenarios:
            order = orders[scenario.name]
            if number % 2 == 1:
                rng.shuffle(order)
            else:
                order.reverse()
            within = 1 if number % 2 == 1 else -1
            yield from ((number, scenario.name, arm) for pair in order for arm in pair[::within])


def _pairs(arms: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each arm with the same server of the base, where that is measured too."""
    heads = (arm for arm in arms if not arm.endswith(BASE))
    return [(arm, *({f"{arm}{BASE}"} & set(arms))) for arm in heads]
