"""Limits of a plan on a shared cluster. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.model import Plan, Scenario
from bench.plan import longest, predicted_s
from bench.probes.observers import observers

OBSERVERS_PER_S = sum(observer.requests_per_s for observer in observers().values())
"""Requests per second of the observers to the API server, in every plan."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the load; ``None`` is no limit.

    ``rps`` limits all requests of a scenario together: reads of the servers, each of which
    may become a request, writes, and the observers' requests. It also limits the writes that
    make the pods. ``minutes`` limits the whole run.
    """

    rps: float | None = 50.0
    pods: int | None = 500
    minutes: float | None = 15.0


UNLIMITED = Limits(None, None, None)
SLOWER = 2.0
"""Factor on the predicted time if no cap limits a run: a plan may take longer than predicted."""


def longest_s(plan: Plan, limits: Limits) -> float:
    """Return how long a run of ``plan`` may take, in seconds."""
    if limits.minutes is not None:
        return limits.minutes * 60
    return SLOWER * predicted_s(longest(plan))


def exceeded(plan: Plan, limits: Limits) -> list[str]:
    """Return a sentence for each limit that ``plan`` exceeds, with the remedy."""
    problems = [text for scenario in plan.scenarios for text in _exceeded_by(scenario, limits)]
    minutes = predicted_s(longest(plan)) / 60
    if limits.minutes is not None and minutes > limits.minutes:
        bought = " with all rounds that it may buy" if plan.most_rounds else ""
        problems.append(
            f"it takes about {minutes:.0f} min{bought}, "
            f"more than {limits.minutes:g} (--max-minutes)"
        )
    return problems


def impossible(plan: Plan) -> list[str]:
    """Return a sentence for each feature of ``plan`` that needs our own control plane."""
    return [
        f"scenario {scenario.name!r} wants {feature}: that is only possible on a throwaway control "
        "plane (leave out --context)"
        for scenario in plan.scenarios
        for feature, is_requested in (
            (f"Kubernetes {scenario.kubernetes}", scenario.kubernetes is not None),
            ("a fresh control plane for each trial", scenario.fresh_control_plane),
            (f"the API server to fail ({scenario.fault})", scenario.fault is not None),
        )
        if is_requested
    ]


def _exceeded_by(scenario: Scenario, limits: Limits) -> Iterator[str]:
    name = f"scenario {scenario.name!r}"
    if limits.pods is not None and scenario.pods > limits.pods:
        yield f"{name} wants {scenario.pods} pods, more than {limits.pods} (--max-pods)"
    if limits.rps is None:
        return
    unlimited = None
    if scenario.capacity_share is not None:
        unlimited = "offers each server a share of its rate at full speed"
    elif not scenario.is_open:
        unlimited = "is of the closed model: it sends requests as fast as they are answered"
    if unlimited:
        yield (
            f"{name} {unlimited}, which no cap can limit; give it a rate_rps, or lift the limits "
            "(--uncapped)"
        )
        return
    reads_per_s = scenario.rate_rps or 0.0  # none without load
    observed = OBSERVERS_PER_S if scenario.probe else 0.0
    total = reads_per_s + scenario.churn_per_s + observed
    if total > limits.rps:
        observers = f", and {observed:g} requests of the observers" if observed else ""
        yield (
            f"{name} asks for {reads_per_s:g} reads and {scenario.churn_per_s:g} writes a "
            f"second{observers}: {total:g}, more than {limits.rps:g} (--max-rps)"
        )
