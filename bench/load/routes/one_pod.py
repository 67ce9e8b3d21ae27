"""One pod by namespace and name, every lasting pod equally often."""

from bench.load.routes import Ask
from bench.model import Targets


def asks(targets: Targets) -> tuple[Ask, ...]:
    """Return one ask for each pod that is never deleted."""
    return tuple(
        Ask(f"/pods/{namespace}/{name}", 1.0, "/pods/<namespace>/<name>")
        for namespace, name in targets.pods
    )
