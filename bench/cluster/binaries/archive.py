"""Download the official envtest archive and check it against the digest in its index.

Index: envtest-releases.yaml in kubernetes-sigs/controller-tools, as setup-envtest
reads it: ``releases: {v1.37.0: {envtest-v1.37.0-linux-amd64.tar.gz: {hash: SHA-512
in hex, selfLink: URL}}}``. Not every patch version has an archive: the newest patch of
the requested minor version is taken instead.
"""

import hashlib
import queue
import shutil
import socket
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import yaml

from bench.cluster.binaries.model import ANY_PATCH, NAMES, PassedOver, Request, Version, best_match

CONNECT_TIMEOUT_S = 5.0
"""Bounds name lookup and connection together, also behind a firewall that drops packets."""
_STALL_TIMEOUT_S = 20.0
_BLOCK_BYTES = 1 << 18
_SAY_EVERY_S = 5.0
_MB = 1e6
INDEX_VARIABLE = "INFORMER_BENCH_ENVTEST_INDEX"
"""Environment variable: URL of an index mirror, whose links may point to archive mirrors."""
DEFAULT_INDEX = (
    "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
)
_INDEX_LIMIT_BYTES = 8 << 20


class Archive(NamedTuple):
    """One archive in the index."""

    version: Version
    url: str
    sha512: str


def make(request: Request, stage: Path) -> None:
    """Extract both binaries into ``stage``; raise ``PassedOver`` with the reason on failure."""
    archive = _look_up(request)
    if request.version.patch not in (ANY_PATCH, archive.version.patch):
        request.say(f"there is no archive of {request.version}; {archive.version} stands in for it")
    request.say(f"downloading the envtest archive of Kubernetes {archive.version}")
    path = stage / "archive.tar.gz"
    _save(archive.url, path, request.say)
    _check(path, archive)
    _unpack(path, stage)
    path.unlink()


def _look_up(request: Request) -> Archive:
    url = request.env.get(INDEX_VARIABLE) or DEFAULT_INDEX
    archives = _read_index(_read(url, _INDEX_LIMIT_BYTES), request.target)
    version = best_match(archives, request.version)
    if version is None:
        raise PassedOver(f"none for Kubernetes {request.version} on {request.target}")
    return archives[version]


def _read_index(text: bytes, target: str) -> dict[Version, Archive]:
    try:
        # BaseLoader makes strings of all values: a digest may look like a number.
        releases: dict[str, Any] = yaml.load(text, yaml.BaseLoader)["releases"]
        by_version = {}
        for name, archives in releases.items():
            entry = archives.get(f"envtest-{name}-{target}.tar.gz")
            if entry is None or "-" in name:  # a hyphen marks a pre-release
                continue
            version = Version.parse(name)
            by_version[version] = Archive(version, entry["selfLink"], entry["hash"].lower())
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PassedOver(f"its index cannot be read: {type(error).__name__}: {error}") from error
    return by_version


def _check(path: Path, archive: Archive) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").hexdigest()
    if digest != archive.sha512:
        raise PassedOver(
            f"refused: its sha512 is {digest[:16]}…, the index says {archive.sha512[:16]}…; "
            "it was damaged in transit or is forged"
        )


def _unpack(path: Path, stage: Path) -> None:
    """Extract only the two binaries, from any folder of the archive."""
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
        raise PassedOver(f"contains no {' and no '.join(sorted(missing))}")


def _read(url: str, limit_bytes: int) -> bytes:
    """Return the body of ``url``; raise ``PassedOver`` if it fails or exceeds the limit."""
    with _open(url) as response:
        try:
            body = response.read(limit_bytes + 1)
        except (OSError, HTTPException) as error:
            raise PassedOver(f"{_host(url)} broke off: {error}") from error
    if len(body) > limit_bytes:
        raise PassedOver(f"{url} is larger than {limit_bytes} bytes")
    return body


def _save(url: str, path: Path, say: Callable[[str], None]) -> None:
    """Download ``url`` to ``path``; raise ``PassedOver`` if it does not arrive whole."""
    with _open(url) as response, path.open("wb") as file:
        total = response.length
        done = 0
        began = reported = time.monotonic()
        try:
            while block := response.read(_BLOCK_BYTES):
                done += file.write(block)
                if time.monotonic() - reported >= _SAY_EVERY_S:
                    reported = time.monotonic()
                    of_all = "" if total is None else f" of {total / _MB:.0f}"
                    say(f"downloaded {done / _MB:.0f}{of_all} MB in {reported - began:.0f} s")
        except (OSError, HTTPException) as error:
            raise PassedOver(f"{_host(url)} broke off after {done} bytes: {error}") from error
    if total is not None and done < total:
        raise PassedOver(f"{_host(url)} broke off after {done} of {total} bytes")


def _open(url: str) -> HTTPResponse:
    """Open ``url``, through the proxies that the environment names, following redirects."""
    _probe(url)
    try:
        return cast("HTTPResponse", urllib.request.urlopen(url, timeout=_STALL_TIMEOUT_S))
    except urllib.error.HTTPError as error:
        with error:
            raise PassedOver(f"{_host(url)} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise PassedOver(f"{_host(url)} cannot be reached: {reason}") from error


def _probe(url: str) -> None:
    """Check that ``url``, or its proxy, accepts a connection within the time-out.

    A host has many addresses, each of which would be tried for the whole time-out, and a
    name lookup has no time-out at all. Therefore a thread connects, and is never joined.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise PassedOver(f"{url} is not an http or https URL")
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.netloc):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    address = (parts.hostname, parts.port or {"https": 443}.get(parts.scheme, 80))
    outcome: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()

    def connect() -> None:
        try:
            socket.create_connection(address, CONNECT_TIMEOUT_S / 2).close()
            outcome.put(None)
        except OSError as error:
            outcome.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        problem = outcome.get(timeout=CONNECT_TIMEOUT_S)
    except queue.Empty:
        raise PassedOver(f"no answer from {parts.netloc} in {CONNECT_TIMEOUT_S:g} s") from None
    if problem is not None:
        raise PassedOver(f"{parts.netloc} cannot be reached: {problem}")


def _host(url: str) -> str:
    return urlsplit(url).netloc
