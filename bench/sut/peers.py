"""Peers in Go: the same routes with gin and client-go, built before their start."""

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
"""By name; each uses the account of the server in Python that reads in the same way."""


def sources_of(folder: Path) -> Path:
    """Return the folder of the peers' sources in a checkout of this project."""
    return folder / "servers" / "peers"


def built_peers(
    names: Iterable[str], say: Callable[[str], None], folder: Path = ROOT
) -> dict[str, ServerKind]:
    """Return the peers among ``names``, built from the sources of the checkout at ``folder``.

    Raises ``ServerError`` if they cannot be built.
    """
    kinds = [PEERS[name] for name in names if name in PEERS]
    if not kinds:
        return {}
    try:
        with Watchdog() as watchdog:
            program = go_program(sources_of(folder), "peers", watchdog, say)
    except PassedOver as error:
        named = " and ".join(kind.name for kind in kinds)
        raise ServerError(
            f"{named} cannot be built: {error}. Put Go 1.26 or newer on the PATH, or leave them "
            "out of the plan's 'servers'"
        ) from error
    return {kind.name: replace(kind, command=f"exec {program} {kind.identity}") for kind in kinds}
