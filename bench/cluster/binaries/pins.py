"""Pinned Kubernetes versions, which can be built: a folder with go.mod and go.sum for each.

``python -m bench.cluster.binaries.pin VERSION`` makes the folders.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from bench.cluster.binaries.model import Version, best_match, versions_in

PINS = Path(__file__).with_name("build")


@dataclass(frozen=True, slots=True)
class Pin:
    """The modules of one version of Kubernetes and of the etcd that belongs to it."""

    kubernetes: Version
    folder: Path

    @property
    def go(self) -> tuple[int, int]:
        """The oldest version of Go that the modules accept."""
        match = _stated(self.folder, r"^go (\d+)\.(\d+)")
        return int(match[1]), int(match[2])

    @property
    def etcd(self) -> Version:
        """The version of etcd that these modules build."""
        return Version.parse(_stated(self.folder, r"^\s*go\.etcd\.io/etcd/server/v3 (v\S+)")[1])


def pins() -> tuple[Pin, ...]:
    """Return all pins, the oldest version first."""
    files = versions_in(PINS, "*/go.mod")
    return tuple(Pin(version, files[version].parent) for version in sorted(files))


def pin_for(requested: Version) -> Pin | None:
    """Return the pin of ``requested``, or of the newest patch of its minor version."""
    pinned = {pin.kubernetes: pin for pin in pins()}
    version = best_match(pinned, requested)
    return None if version is None else pinned[version]


def _stated(folder: Path, pattern: str) -> re.Match[str]:
    match = re.search(pattern, (folder / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None, f"{folder.name}/go.mod states {pattern}"
    return match
