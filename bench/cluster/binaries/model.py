"""The request for binaries, the binaries, and the errors when there are none."""

import platform
import re
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

NAMES = ("kube-apiserver", "etcd")
"""File names of the two binaries, in every source."""


ANY_PATCH = -1
"""Patch of a requested version that names only the minor version."""


class Version(NamedTuple):
    """A released version; pre-releases and vendors' suffixes are ignored in comparisons."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1.37.2``, ``v1.37.2`` or ``v1.37.2+vendor``; raise ``ValueError`` for others."""
        match = re.match(r"v?(\d+)\.(\d+)\.(\d+)(?:[+].*)?$", text)
        if match is None:
            raise ValueError(f"{text!r} is not a version such as 1.37.2")
        return cls(*map(int, match.groups()))

    @classmethod
    def parse_request(cls, text: str) -> Self:
        """Read a requested version, ``1.37`` (any patch) or ``1.37.2``; else ``ValueError``."""
        match = re.match(r"v?(\d+)\.(\d+)$", text)
        if match is not None:
            return cls(int(match[1]), int(match[2]), ANY_PATCH)
        try:
            return cls.parse(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a version such as 1.37 or 1.37.2") from None

    def __str__(self) -> str:
        minor = f"{self.major}.{self.minor}"
        return minor if self.patch == ANY_PATCH else f"{minor}.{self.patch}"

    def stands_in_for(self, requested: Self) -> bool:
        """Return whether the minor version, and so features and flags, are ``requested``'s."""
        return self[:2] == requested[:2]


def best_match(offered: Collection[Version], requested: Version) -> Version | None:
    """Return ``requested`` if it is offered, else the newest patch of its minor version."""
    if requested in offered:
        return requested
    return max((version for version in offered if version.stands_in_for(requested)), default=None)


def versions_in(folder: Path, pattern: str) -> dict[Version, Path]:
    """Return the paths in ``folder`` that match ``pattern`` with a version for ``*``, by it."""
    before, after = pattern.split("*")
    paths = {}
    for path in folder.glob(pattern):
        name = str(path.relative_to(folder))
        with suppress(ValueError):
            paths[Version.parse(name.removeprefix(before).removesuffix(after))] = path
    return paths


@dataclass(frozen=True, slots=True)
class Binaries:
    """A kube-apiserver and an etcd with their versions.

    ``kubernetes`` and ``etcd_version`` are as the binaries print them, without a leading ``v``.
    ``source`` is ``environment``, ``cache``, ``setup-envtest``, ``archive`` or ``go build``.
    """

    kube_apiserver: Path
    etcd: Path
    kubernetes: str
    etcd_version: str
    source: str


@dataclass(frozen=True, slots=True)
class Request:
    """Requested version, the requester's environment, and how to report progress."""

    version: Version
    env: Mapping[str, str]
    cache: Path
    """This project's folder in the user's cache; need not exist."""
    say: Callable[[str], None]

    @property
    def target(self) -> str:
        """Operating system and architecture as Go names them, such as ``linux-amd64``."""
        machine = platform.machine().lower()
        return f"{sys.platform}-{_GO_ARCHITECTURES.get(machine, machine)}"


_GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class PassedOver(Exception):  # noqa: N818 # the name says what happened
    """Raised when a source has no binaries, with the reason; the next source is tried."""


class BinariesUnavailable(Exception):  # noqa: N818 # the name says what happened
    """Raised when no source has the binaries, or the binary that the user named is wrong."""
