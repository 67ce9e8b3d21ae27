"""Which colour an arm has: the known ones always their own, on every chart of every run."""

from collections.abc import Sequence

from bench.analysis.summary import PRESENTATION
from bench.model import NO_SERVER
from bench.report.svg import FLOOR, SERIES


def colour_of(server: str, servers: Sequence[str]) -> str:
    """Return the stand-in colour of ``server``, one of ``servers``."""
    if server == NO_SERVER:
        return FLOOR
    if server in PRESENTATION:
        return SERIES[PRESENTATION.index(server)]
    others = [name for name in servers if name not in (*PRESENTATION, NO_SERVER)]
    spare = SERIES[len(PRESENTATION) :]
    return spare[others.index(server) % len(spare)]
