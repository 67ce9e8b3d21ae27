"""Which arms a reader compares: servers, not the floor and not a server's second measurement."""

from collections.abc import Iterable

from bench.analysis.summary import Arm


def contenders(arms: Iterable[Arm]) -> list[Arm]:
    """Return the arms that are servers and no control, in presentation order."""
    return [arm for arm in arms if arm.is_contender]
