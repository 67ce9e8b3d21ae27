"""Ready-made binaries: those that the user names, and those of ``setup-envtest``.

Envtest reads the same environment variables. A binary that the user names is used or is an
error: nothing silently replaces it. Another patch version is accepted, another minor version
is not: flags and features differ between minor versions.

``setup-envtest`` keeps what it has downloaded in
``$XDG_DATA_HOME/kubebuilder-envtest/k8s/<version>-<os>-<arch>/`` (tools/setup-envtest/store in
kubernetes-sigs/controller-runtime).
"""

import os
import re
import subprocess
from pathlib import Path

from bench.cluster.binaries.model import (
    NAMES,
    Binaries,
    BinariesUnavailable,
    PassedOver,
    Request,
    Version,
    best_match,
    versions_in,
)

_TIMEOUT_S = 30.0
"""``--version`` answers in 0.1 s; a very busy machine takes longer."""

_ANSWERS = {
    "kube-apiserver": re.compile(r"^Kubernetes v(\S+)", re.MULTILINE),
    "etcd": re.compile(r"^etcd Version: (\S+)", re.MULTILINE),
}
FOLDER = "KUBEBUILDER_ASSETS"
SINGLE = {"kube-apiserver": "TEST_ASSET_KUBE_APISERVER", "etcd": "TEST_ASSET_ETCD"}
"""Each takes precedence over the folder, for its binary."""


class NotUsable(Exception):  # noqa: N818 # the name says what happened
    """Raised when a file is not the expected binary; the message names it and the reason."""


def inspect(kube_apiserver: Path, etcd: Path, source: str) -> Binaries:
    """Return the binaries with their versions; raise ``NotUsable`` if either prints none."""
    return Binaries(
        kube_apiserver=kube_apiserver,
        etcd=etcd,
        kubernetes=_ask("kube-apiserver", kube_apiserver),
        etcd_version=_ask("etcd", etcd),
        source=source,
    )


def inspect_folder(folder: Path, source: str) -> Binaries:
    """Inspect a folder that holds both under their usual names, as ``inspect`` does."""
    return inspect(folder / "kube-apiserver", folder / "etcd", source)


def _ask(name: str, path: Path) -> str:
    if not path.is_file():
        raise NotUsable(f"{path} does not exist or is not a file")
    if not os.access(path, os.X_OK):
        raise NotUsable(f"{path} is not executable")
    try:
        answer = subprocess.run(
            [path.absolute(), "--version"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotUsable(f"{path} cannot be run: {error}") from error
    match = _ANSWERS[name].search(answer.stdout)
    if match is None:
        output = (answer.stdout + answer.stderr).strip()[:200] or "nothing"
        raise NotUsable(f"{path} is not a {name}: --version printed {output!r}")
    return match[1]


def named(request: Request) -> Binaries:
    """Return the binaries that environment variables name.

    Raises ``PassedOver`` if they name none, ``BinariesUnavailable`` if they name only
    one of the two, an unusable one, or one of another minor version.
    """
    paths = {name: _named_path(request, name) for name in NAMES}
    if not any(paths.values()):
        raise PassedOver(f"{FOLDER} and {' and '.join(SINGLE.values())} are not set")
    for name, path in paths.items():
        if path is None:
            raise BinariesUnavailable(
                f"the environment names one binary but no {name}: "
                f"set {SINGLE[name]} or {FOLDER} too"
            )
    try:
        binaries = inspect(
            Path(paths["kube-apiserver"] or ""), Path(paths["etcd"] or ""), "environment"
        )
        version = Version.parse(binaries.kubernetes)
    except (NotUsable, ValueError) as error:
        raise BinariesUnavailable(
            f"named by the environment: {error}; {_way_out(request)}"
        ) from error
    if not version.stands_in_for(request.version):
        raise BinariesUnavailable(
            f"the environment names a kube-apiserver of Kubernetes {version}, not "
            f"{request.version}; {_way_out(request)}"
        )
    return binaries


def _named_path(request: Request, name: str) -> str | None:
    folder = request.env.get(FOLDER)
    return request.env.get(SINGLE[name]) or (str(Path(folder) / name) if folder else None)


def _way_out(request: Request) -> str:
    version = request.version
    return (
        f"correct or unset {FOLDER}, {SINGLE['kube-apiserver']} and {SINGLE['etcd']} "
        f"(any kube-apiserver {version.major}.{version.minor} and its etcd will do)"
    )


def of_setup_envtest(request: Request) -> Binaries:
    """Return the store's binaries of the requested minor version, or raise ``PassedOver``."""
    folders = versions_in(_store(request) / "k8s", f"*-{request.target}")
    version = best_match(folders, request.version)
    if version is None:
        raise PassedOver(
            f"its store has nothing for Kubernetes {request.version} or its minor version"
        )
    folder = folders[version]
    try:
        return inspect_folder(folder, "setup-envtest")
    except NotUsable as error:
        raise PassedOver(f"its store is damaged: {error}") from error


def _store(request: Request) -> Path:
    home = Path(request.env.get("HOME", "~")).expanduser()
    return Path(request.env.get("XDG_DATA_HOME") or home / ".local/share") / "kubebuilder-envtest"
