"""What ``setup-envtest`` has downloaded before, where it keeps it.

Location and layout: tools/setup-envtest/store in kubernetes-sigs/controller-runtime,
``$XDG_DATA_HOME/kubebuilder-envtest/k8s/<version>-<os>-<arch>/``.
"""

from pathlib import Path

from bench.cluster.binaries.inspection import NotUsable, inspect_folder
from bench.cluster.binaries.model import (
    Binaries,
    PassedOver,
    Request,
    Version,
    best_match,
)


def find(request: Request) -> Binaries:
    """Return the store's binaries of the wanted minor version, or raise ``PassedOver``."""
    folders = _folders(request)
    version = best_match(list(folders), request.wanted)
    if version is None:
        raise PassedOver(
            f"its store has nothing for Kubernetes {request.wanted} or its minor version"
        )
    folder = folders[version]
    try:
        return inspect_folder(folder, "setup-envtest")
    except NotUsable as error:
        raise PassedOver(f"its store is damaged: {error}") from error


def _folders(request: Request) -> dict[Version, Path]:
    found = {}
    for folder in _store(request).glob(f"k8s/*-{request.target}"):
        try:
            version = Version.parse(folder.name.removesuffix(f"-{request.target}"))
        except ValueError:
            continue  # a pre-release, or nothing of setup-envtest's
        found[version] = folder
    return found


def _store(request: Request) -> Path:
    data_home = request.env.get("XDG_DATA_HOME")
    base = (
        Path(data_home)
        if data_home
        else Path(request.env.get("HOME", "~")).expanduser() / ".local/share"
    )
    return base / "kubebuilder-envtest"
