"""The official envtest archive, checked against the digest in its index.

Index: envtest-releases.yaml in kubernetes-sigs/controller-tools, as setup-envtest
reads it: ``releases: {v1.37.0: {envtest-v1.37.0-linux-amd64.tar.gz: {hash: SHA-512
in hex, selfLink: URL}}}``. Not every patch version has an archive; the newest of
the wanted minor version is taken then.
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
"""For name and connection; a firewall that drops packets costs this long and no longer."""
_STALL_TIMEOUT_S = 20.0
_BLOCK_BYTES = 1 << 18
_SAY_EVERY_S = 5.0
_MB = 1e6
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
    _save(archive.url, path, request.say)
    _check(path, archive)
    _unpack(path, stage)
    path.unlink()


def _look_up(request: Request) -> Archive:
    url = request.env.get(INDEX_VARIABLE) or DEFAULT_INDEX
    archives = _read_index(_read(url, _INDEX_LIMIT_BYTES), request.target)
    version = best_match(archives, request.wanted)
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


def _read(url: str, limit_bytes: int) -> bytes:
    """Return what is at ``url``; raise ``PassedOver`` if it cannot be had or is larger."""
    with _open(url) as response:
        try:
            body = response.read(limit_bytes + 1)
        except (OSError, HTTPException) as error:
            raise PassedOver(f"{_host(url)} broke off: {error}") from error
    if len(body) > limit_bytes:
        raise PassedOver(f"{url} is larger than {limit_bytes} bytes")
    return body


def _save(url: str, path: Path, say: Callable[[str], None]) -> None:
    """Write what is at ``url`` to ``path``; raise ``PassedOver`` if it does not arrive whole."""
    with _open(url) as response, path.open("wb") as file:
        total = response.length
        done = 0
        began = said = time.monotonic()
        try:
            while block := response.read(_BLOCK_BYTES):
                done += file.write(block)
                if time.monotonic() - said >= _SAY_EVERY_S:
                    said = time.monotonic()
                    of_total = "" if total is None else f" of {total / _MB:.0f}"
                    say(f"downloaded {done / _MB:.0f}{of_total} MB in {said - began:.0f} s")
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
    """Find out whether there is a way to ``url``, or to its proxy, within the time-out.

    A host has many addresses and each would be tried for the whole time-out, and
    looking up a name has no time-out at all: hence a thread, which is left behind.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise PassedOver(f"{url} is not an address of the web")
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
