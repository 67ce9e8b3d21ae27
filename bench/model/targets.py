"""What there is to ask for in a populated cluster."""

from dataclasses import dataclass

PROBE_NAME = "freshness-probe"
"""Name of the pod that the freshness probe writes, and reads from the servers."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What a route may ask for: things of the population that stay, whatever churn does."""

    namespaces: tuple[str, ...]
    pods: tuple[tuple[str, str], ...]
    """``(namespace, name)`` of pods that are never deleted."""
    label_selectors: tuple[str, ...]
