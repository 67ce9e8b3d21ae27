"""Reads of a dashboard's pages: mostly single pods, then namespaces, labels, seldom all.

Of every 100 questions 60 are for one pod, 25 for one namespace, 10 for a label
and 5 for all pods. The shares are chosen, not measured: they stand for many
people looking at details and one overview that refreshes.
"""

from dataclasses import replace

from bench.load.routes import Ask, label_selector, list_all, one_namespace, one_pod
from bench.model import Targets


def asks(targets: Targets) -> tuple[Ask, ...]:
    """Return the asks of the four plain routes, each group holding its share of the weight."""
    groups = (
        (60.0, one_pod.asks(targets)),
        (25.0, one_namespace.asks(targets)),
        (10.0, label_selector.asks(targets)),
        (5.0, list_all.asks(targets)),
    )
    return tuple(
        replace(ask, weight=share / len(group)) for share, group in groups for ask in group
    )
