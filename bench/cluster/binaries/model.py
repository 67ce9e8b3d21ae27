"""What is wanted, what was found, and the ways of not finding it."""

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
"""The patch of a wanted version of which only the minor version was named."""


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
    def wanted(cls, text: str) -> Self:
        """Read what a person asks for: ``1.37`` (any patch) or ``1.37.2``; else ``ValueError``."""
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

    def stands_in_for(self, wanted: Self) -> bool:
        """Whether it has the minor version of ``wanted``, and so its features and flags."""
        return self[:2] == wanted[:2]


def best_match(offered: Collection[Version], wanted: Version) -> Version | None:
    """Return ``wanted`` if it is offered, else the newest patch of its minor version."""
    if wanted in offered:
        return wanted
    return max((version for version in offered if version.stands_in_for(wanted)), default=None)


def versions_in(folder: Path, pattern: str) -> dict[Version, Path]:
    """Return what ``pattern``, a version for ``*``, matches in ``folder``; others' is left out."""
    before, after = pattern.split("*")
    found = {}
    for path in folder.glob(pattern):
        name = str(path.relative_to(folder))
        with suppress(ValueError):
            found[Version.parse(name.removeprefix(before).removesuffix(after))] = path
    return found


@dataclass(frozen=True, slots=True)
class Binaries:
    """A kube-apiserver and an etcd that say what version they are.

    ``kubernetes`` and ``etcd_version`` are the binaries' own words, without a
    leading ``v``. ``source`` is ``environment``, ``cache``, ``setup-envtest``,
    ``archive`` or ``go build``.
    """

    kube_apiserver: Path
    etcd: Path
    kubernetes: str
    etcd_version: str
    source: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, by whom, and how to tell them what goes on."""

    wanted: Version
    env: Mapping[str, str]
    cache: Path
    """Folder of our own below the user's cache; need not exist."""
    say: Callable[[str], None]

    @property
    def target(self) -> str:
        """Operating system and architecture in Go's words, as in ``linux-amd64``."""
        machine = platform.machine().lower()
        return f"{sys.platform}-{_GO_ARCHITECTURES.get(machine, machine)}"


_GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class PassedOver(Exception):  # noqa: N818 # the name says what happened
    """A source has nothing to give; the message says why. The next one is asked."""


class BinariesUnavailable(Exception):  # noqa: N818 # the name says what happened
    """No source has the binaries, or the one that the user named is wrong."""
