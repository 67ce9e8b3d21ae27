"""Limits of a plan on a shared cluster. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.model import Plan, Scenario
from bench.plan import predicted_s
from bench.probes.observers import observers

OBSERVERS_PER_S = sum(observer.requests_per_s for observer in observers().values())
"""What the observers ask the API server for, whatever the plan says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is asked for; ``None`` is without bound.

    ``rps`` is of all that a scenario asks for together: reads of the servers, each of which
    may become a request, writes, and what the observers ask for; and of the writes that make
    the pods. ``minutes`` is of the whole run.
    """

    rps: float | None = 50.0
    pods: int | None = 500
    minutes: float | None = 15.0


UNLIMITED = Limits(None, None, None)


def exceeded(plan: Plan, limits: Limits) -> list[str]:
    """Return, in sentences, where ``plan`` exceeds the limits, each with the way out."""
    found = [text for scenario in plan.scenarios for text in _of_scenario(scenario, limits)]
    longest = replace(plan, rounds=plan.most_rounds or plan.rounds)
    minutes = predicted_s(longest) / 60
    if limits.minutes is not None and minutes > limits.minutes:
        bought = " with all rounds that it may buy" if plan.most_rounds else ""
        found.append(
            f"it takes about {minutes:.0f} min{bought}, "
            f"more than {limits.minutes:g} (--max-minutes)"
        )
    return found


def impossible(plan: Plan) -> list[str]:
    """Return, in sentences, what of ``plan`` can only be done with a control plane of our own."""
    return [
        f"scenario {scenario.name!r} wants {wish}: that is only possible on a control plane of our "
        "own (leave out --context)"
        for scenario in plan.scenarios
        for wish, is_wanted in (
            (f"Kubernetes {scenario.kubernetes}", scenario.kubernetes is not None),
            ("a fresh control plane for each trial", scenario.fresh_control_plane),
            (f"the API server to fail ({scenario.fault})", scenario.fault is not None),
        )
        if is_wanted
    ]


def _of_scenario(scenario: Scenario, limits: Limits) -> Iterator[str]:
    name = f"scenario {scenario.name!r}"
    if limits.pods is not None and scenario.pods > limits.pods:
        yield f"{name} wants {scenario.pods} pods, more than {limits.pods} (--max-pods)"
    if limits.rps is None:
        return
    if scenario.rate_rps is None:
        yield (
            f"{name} is of the closed model: it asks as fast as it is answered, which no cap can "
            "bound; give it a rate_rps, or lift the limits (--uncapped)"
        )
        return
    beside = OBSERVERS_PER_S if scenario.probe else 0.0
    asked = scenario.rate_rps + scenario.churn_per_s + beside
    if asked > limits.rps:
        observers = f", and {beside:g} requests of the observers" if beside else ""
        yield (
            f"{name} asks for {scenario.rate_rps:g} reads and {scenario.churn_per_s:g} writes a "
            f"second{observers}: {asked:g}, more than {limits.rps:g} (--max-rps)"
        )
