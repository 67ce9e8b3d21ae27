"""The pods that carry a label, of all namespaces, every selector equally often."""

from bench.load.routes import Ask, selector_query
from bench.model import Targets


def asks(targets: Targets) -> tuple[Ask, ...]:
    """Return one ask for each label selector."""
    return tuple(
        Ask(
            f"/pods?labelSelector={selector_query(selector)}",
            1.0,
            "/pods?labelSelector=<selector>",
        )
        for selector in targets.label_selectors
    )
