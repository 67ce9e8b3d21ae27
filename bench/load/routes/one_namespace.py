"""The pods of one namespace, every namespace equally often."""

from bench.load.routes import Ask
from bench.model import Targets


def asks(targets: Targets) -> tuple[Ask, ...]:
    """Return one ask for each namespace."""
    return tuple(Ask(f"/pods/{name}", 1.0, "/pods/<namespace>") for name in targets.namespaces)
