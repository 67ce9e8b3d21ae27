"""Binaries that the user names, by the variables that envtest reads as well.

What a user names is used or is an error; never silently something else. Another
patch version than the wanted one will do, another minor version will not: flags
and features differ between them.
"""

from pathlib import Path

from bench.cluster.binaries.inspection import NotUsable, inspect
from bench.cluster.binaries.model import (
    NAMES,
    Binaries,
    BinariesUnavailable,
    PassedOver,
    Request,
    Version,
)

FOLDER = "KUBEBUILDER_ASSETS"
SINGLE = {"kube-apiserver": "TEST_ASSET_KUBE_APISERVER", "etcd": "TEST_ASSET_ETCD"}
"""Each wins over the folder, for its own binary."""


def find(request: Request) -> Binaries:
    """Return the binaries that the environment names.

    Raises ``PassedOver`` if it names none, ``BinariesUnavailable`` if it names only
    one of the two, one that cannot be used, or one of another minor version.
    """
    named = {name: _named_path(request, name) for name in NAMES}
    if not any(named.values()):
        raise PassedOver(f"{FOLDER} and {' and '.join(SINGLE.values())} are not set")
    for name, path in named.items():
        if path is None:
            raise BinariesUnavailable(
                f"the environment names one binary but no {name}: "
                f"set {SINGLE[name]} or {FOLDER} too"
            )
    try:
        binaries = inspect(
            Path(named["kube-apiserver"] or ""), Path(named["etcd"] or ""), "environment"
        )
        version = Version.parse(binaries.kubernetes)
    except (NotUsable, ValueError) as error:
        raise BinariesUnavailable(
            f"named by the environment: {error}; {_way_out(request)}"
        ) from error
    if not version.stands_in_for(request.wanted):
        raise BinariesUnavailable(
            f"the environment names a kube-apiserver of Kubernetes {version}, wanted is "
            f"{request.wanted}; {_way_out(request)}"
        )
    return binaries


def _named_path(request: Request, name: str) -> str | None:
    single = request.env.get(SINGLE[name])
    folder = request.env.get(FOLDER)
    if single:
        return single
    return str(Path(folder) / name) if folder else None


def _way_out(request: Request) -> str:
    wanted = request.wanted
    return (
        f"correct or unset {FOLDER}, {SINGLE['kube-apiserver']} and {SINGLE['etcd']} "
        f"(any kube-apiserver {wanted.major}.{wanted.minor} and its etcd will do)"
    )
