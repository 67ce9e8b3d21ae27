"""The official envtest archive, checked against the digest in its index.

Index: envtest-releases.yaml in kubernetes-sigs/controller-tools, as setup-envtest
reads it: ``releases: {v1.37.0: {envtest-v1.37.0-linux-amd64.tar.gz: {hash: SHA-512
in hex, selfLink: URL}}}``. Not every patch version has an archive; the newest of
the wanted minor version is taken then.
"""

import hashlib
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from bench.cluster.binaries import download
from bench.cluster.binaries.model import ANY_PATCH, NAMES, PassedOver, Request, Version, best_match

INDEX_VARIABLE = "INFORMER_BENCH_ENVTEST_INDEX"
"""Names a mirror of the index, whose links may point to a mirror of the archives."""
DEFAULT_INDEX = (
    "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
)
_INDEX_LIMIT_BYTES = 8 << 20


class Archive(NamedTuple):
    """One line of the index."""

    version: Version
    url: str
    sha512: str


def make(request: Request, stage: Path) -> None:
    """Put both binaries from the archive into ``stage``; raise ``PassedOver`` with the reason."""
    archive = _look_up(request)
    if request.wanted.patch not in (ANY_PATCH, archive.version.patch):
        request.say(f"there is no archive of {request.wanted}; {archive.version} stands in for it")
    request.say(f"downloading the envtest archive of Kubernetes {archive.version}")
    path = stage / "archive.tar.gz"
    download.save(archive.url, path, request.say)
    _check(path, archive)
    _unpack(path, stage)
    path.unlink()


def _look_up(request: Request) -> Archive:
    url = request.env.get(INDEX_VARIABLE) or DEFAULT_INDEX
    archives = _read_index(download.read(url, _INDEX_LIMIT_BYTES), request.target)
    version = best_match(list(archives), request.wanted)
    if version is None:
        raise PassedOver(f"none for Kubernetes {request.wanted} on {request.target}")
    return archives[version]


def _read_index(text: bytes, target: str) -> dict[Version, Archive]:
    try:
        # BaseLoader makes strings of all values: a digest may look like a number.
        releases: dict[str, Any] = yaml.load(text, yaml.BaseLoader)["releases"]
        found = {}
        for name, archives in releases.items():
            entry = archives.get(f"envtest-{name}-{target}.tar.gz")
            if entry is None or "-" in name:  # a hyphen marks a pre-release
                continue
            version = Version.parse(name)
            found[version] = Archive(version, entry["selfLink"], entry["hash"].lower())
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PassedOver(f"its index cannot be read: {type(error).__name__}: {error}") from error
    return found


def _check(path: Path, archive: Archive) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").hexdigest()
    if digest != archive.sha512:
        raise PassedOver(
            f"refused: its sha512 is {digest[:16]}…, the index says {archive.sha512[:16]}…; "
            "it was damaged on the way or is forged"
        )


def _unpack(path: Path, stage: Path) -> None:
    """Take the two binaries, wherever in the archive they are, and nothing else."""
    missing = set(NAMES)
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                content = (
                    archive.extractfile(member) if name in missing and member.isfile() else None
                )
                if content is not None:
                    with content, (stage / name).open("wb") as file:
                        shutil.copyfileobj(content, file, 1 << 20)
                    missing.remove(name)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise PassedOver(f"cannot be unpacked: {error}") from error
    if missing:
        raise PassedOver(f"has no {' and no '.join(sorted(missing))} in it")
