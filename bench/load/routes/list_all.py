"""Every pod of every namespace, the most expensive question a reader asks."""

from bench.load.routes import Ask
from bench.model import Targets


def asks(targets: Targets) -> tuple[Ask, ...]:  # noqa: ARG001 - the signature all routes share
    """Return the one ask for all pods."""
    return (Ask("/pods", 1.0, "/pods"),)
