"""The trials of a plan in their order, and their estimated time."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.model import BASE, NO_SERVER, Plan, Trial

SECONDS_BESIDE_A_TRIAL = 6.5
"""The wait for an idle machine, start of the server, pauses at the marks, scrapes, the check after
the window, stop. A busy machine takes up to the plan's ``cooldown_s`` more."""
SECONDS_BESIDE_THE_TRIALS = 30.0
"""Control plane, population, equality phase, report."""
SECONDS_A_PROCESS = 0.8
"""Time of each further replica or worker of a trial: its start, and more answers to check."""
SECONDS_A_CLIENT = 5.0
"""Time of a client in a trial beside the wait until it is quiet: a rest before its start."""
SECONDS_FOR_A_CONTROL_PLANE = 8.0
"""Time of one more control plane: start, population, observers, stop."""


def trials(plan: Plan) -> tuple[Trial, ...]:
    """Return the plan's trials in the order in which they are run.

    Rounds are the outer loop. Within a round and scenario the arms, a control
    among them, come in an order drawn from the seed; every second round reverses the
    order of the one before (ABBA), so that a steady drift of the machine cancels. A server
    and the same server of another checkout follow each other. A plan with more rounds
    begins with the trials of a plan with fewer. Where scenarios compare versions of
    Kubernetes, every second round reverses the scenarios too, for the same reason.
    """
    return tuple(
        Trial(order, scenario, server, number)
        for order, (number, scenario, server) in enumerate(_interleaved(plan))
    )


def predicted_s(plan: Plan) -> float:
    """Return the estimated time of a run with cached environment and binaries, in seconds.

    Without the rounds that it may buy, and at most the plan's ``most_minutes`` of measuring.
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


def longest(plan: Plan) -> Plan:
    """Return ``plan`` with all rounds that it may buy."""
    return replace(plan, rounds=max(plan.rounds, plan.most_rounds or 0))


def predicted_minutes(plan: Plan) -> str:
    """Return the estimated minutes: "35", or with the rounds that it may buy "35 to 146"."""
    minutes = (max(1, round(predicted_s(extent) / 60)) for extent in (plan, longest(plan)))
    return " to ".join(map(str, dict.fromkeys(minutes)))


def _version_changes(plan: Plan) -> int:
    """Return the number of control planes started for a version, beyond the first."""
    if not plan.compares_versions:
        return 0
    shared = {
        (scenario.api_server, scenario.pods)
        for scenario in plan.scenarios
        if not scenario.fresh_control_plane
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
    """Return each arm with the same server of the base, if that is measured too."""
    here = (arm for arm in arms if not arm.endswith(BASE))
    return [(arm, *({f"{arm}{BASE}"} & set(arms))) for arm in here]
