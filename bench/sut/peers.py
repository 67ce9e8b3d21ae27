"""Peers in Go: the same routes with gin and client-go, built before they can be started."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bench.cluster.binaries.go_program import go_program
from bench.cluster.binaries.model import PassedOver
from bench.supervision.watchdog import Watchdog
from bench.sut.registry import ROOT, ServerError, ServerKind

PEERS: Mapping[str, ServerKind] = {
    f"{reads_as}-go": ServerKind(f"{reads_as}-go", reads_as, summary)
    for reads_as, summary in (
        ("direct", "asks the API server on every request, in Go by client-go: protobuf, gzip"),
        ("informer", "reads client-go's shared informer, in Go"),
    )
}
"""By name; the account of each is that of the server in Python that reads as it does."""


def sources_of(folder: Path) -> Path:
    """Return where a checkout of this project has the peers' sources."""
    return folder / "servers" / "peers"


def built_peers(
    names: Iterable[str], say: Callable[[str], None], folder: Path = ROOT
) -> dict[str, ServerKind]:
    """Return the peers among ``names``, built from the sources of the checkout at ``folder``.

    Raises ``ServerError`` where they cannot be built.
    """
    wanted = [PEERS[name] for name in names if name in PEERS]
    if not wanted:
        return {}
    try:
        with Watchdog() as watchdog:
            program = go_program(sources_of(folder), "peers", watchdog, say)
    except PassedOver as why:
        named = " and ".join(kind.name for kind in wanted)
        raise ServerError(
            f"{named} cannot be built: {why}. Put Go 1.26 or newer on the PATH, or leave them out "
            "of the plan's 'servers'"
        ) from why
    return {kind.name: replace(kind, command=f"exec {program} {kind.identity}") for kind in wanted}
