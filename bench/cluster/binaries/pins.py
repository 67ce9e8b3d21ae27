"""Which versions of Kubernetes can be built here: a folder with go.mod and go.sum for each.

The folders are made by ``python -m bench.cluster.binaries.pin VERSION``.
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
        """The version of Go that the modules ask for, at least."""
        found = _stated(self.folder, r"^go (\d+)\.(\d+)")
        return int(found[1]), int(found[2])

    @property
    def etcd(self) -> Version:
        """The version of etcd that is built with them."""
        return Version.parse(_stated(self.folder, r"^\s*go\.etcd\.io/etcd/server/v3 (v\S+)")[1])


def pins() -> tuple[Pin, ...]:
    """Return what is pinned, the oldest version first."""
    found = versions_in(PINS, "*/go.mod")
    return tuple(Pin(version, found[version].parent) for version in sorted(found))


def pin_for(wanted: Version) -> Pin | None:
    """Return the pin of ``wanted``, or of the newest patch of its minor version."""
    pinned = {pin.kubernetes: pin for pin in pins()}
    version = best_match(pinned, wanted)
    return None if version is None else pinned[version]


def _stated(folder: Path, pattern: str) -> re.Match[str]:
    found = re.search(pattern, (folder / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{folder.name}/go.mod states {pattern}"
    return found
