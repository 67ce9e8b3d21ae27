"""Asking the binaries themselves what they are."""

import os
import re
import subprocess
from pathlib import Path

from bench.cluster.binaries.model import Binaries

_TIMEOUT_S = 30.0
"""``--version`` answers in 0.1 s; this is for a machine that is very busy."""

_ANSWERS = {
    "kube-apiserver": re.compile(r"^Kubernetes v(\S+)", re.MULTILINE),
    "etcd": re.compile(r"^etcd Version: (\S+)", re.MULTILINE),
}


class NotUsable(Exception):  # noqa: N818 # the name says what happened
    """A file is not the binary it should be; the message says which and why."""


def inspect(kube_apiserver: Path, etcd: Path, source: str) -> Binaries:
    """Return the binaries with the versions they name; raise ``NotUsable`` if either does not."""
    return Binaries(
        kube_apiserver=kube_apiserver,
        etcd=etcd,
        kubernetes=_ask("kube-apiserver", kube_apiserver),
        etcd_version=_ask("etcd", etcd),
        source=source,
    )


def inspect_folder(folder: Path, source: str) -> Binaries:
    """Do the same for a folder that holds both under their usual names."""
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
        words = (answer.stdout + answer.stderr).strip()[:200] or "nothing"
        raise NotUsable(f"{path} is not a {name}: asked for its version, it said {words!r}")
    return match[1]
