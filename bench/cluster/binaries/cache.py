"""Cache of binaries: complete entries only, verified on each use, filled by one process."""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bench.cluster.binaries.model import (
    NAMES,
    Binaries,
    PassedOver,
    Request,
    Version,
    best_match,
    versions_in,
)
from bench.cluster.binaries.ready_made import NotUsable, inspect_folder
from bench.supervision.watchdog import STAGE_PREFIX

_MANIFEST = "manifest.json"
_WAIT_POLL_S = 0.2
_WAIT_SAY_S = 15.0


class Damaged(PassedOver):
    """Raised when a cache entry is not what was stored."""


def find(request: Request) -> Binaries:
    """Return the cached binaries of the requested minor version, verified byte for byte.

    Raises ``PassedOver`` if there are none, ``Damaged`` if they differ from their record.
    """
    version = _cached_version(request)
    if version is None:
        raise PassedOver(f"has nothing yet for Kubernetes {request.version} on {request.target}")
    folder = _entry(request, version)
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        for name in NAMES:
            _verify(folder / name, manifest["files"][name])
        return Binaries(
            kube_apiserver=folder / "kube-apiserver",
            etcd=folder / "etcd",
            kubernetes=manifest["kubernetes"],
            etcd_version=manifest["etcd"],
            source="cache",
        )
    except FileNotFoundError as error:
        raise Damaged(
            f"its entry for {version} is incomplete: no {Path(error.filename).name}"
        ) from error
    except OSError as error:
        raise Damaged(f"its entry for {version} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"its entry for {version} has an unreadable {_MANIFEST}: {error}") from error


def throw_away(request: Request) -> None:
    """Remove the entry that ``find`` reads. Call only under ``locked``."""
    version = _cached_version(request)
    if version is not None:
        shutil.rmtree(_entry(request, version))


@contextmanager
def locked(request: Request) -> Iterator[Binaries | None]:
    """Lock the cache to fill it; report progress while another process holds the lock.

    Yields ``None`` with the lock held. Yields the requested binaries, without the lock, if
    another process has cached them meanwhile: the cache may then be filling another version.
    The kernel releases the lock when its holder ends, even by a crash.
    """
    folder = entries(request)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        cached = _wait_for(lock.fileno(), request)
        if cached is None:
            for stale_stage in folder.glob(f"{STAGE_PREFIX}*"):
                shutil.rmtree(stale_stage)  # left by a killed process
        yield cached


def admit(request: Request, stage: Path, source: str) -> Binaries:
    """Turn a stage with both binaries into an entry, atomically. Call only under ``locked``.

    Raises ``PassedOver`` if a binary is unusable or not of the requested minor version.
    """
    for name in NAMES:
        if (stage / name).is_file():
            (stage / name).chmod(0o755)
    try:
        binaries = inspect_folder(stage, source)
        version = Version.parse(binaries.kubernetes)
    except (NotUsable, ValueError) as error:
        raise PassedOver(str(error).replace(f"{stage}/", "its ")) from error
    if not version.stands_in_for(request.version):
        raise PassedOver(f"gave Kubernetes {version}, not {request.version}")
    manifest = {
        "kubernetes": binaries.kubernetes,
        "etcd": binaries.etcd_version,
        "source": source,
        "files": {name: _record(stage / name) for name in NAMES},
    }
    (stage / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    stage.chmod(0o755)
    entry = _entry(request, version)
    if entry.exists():
        shutil.rmtree(entry)
    stage.rename(entry)
    return replace(binaries, kube_apiserver=entry / "kube-apiserver", etcd=entry / "etcd")


def entries(request: Request) -> Path:
    """Return the folder of entries and of stages, so that both are on one file system."""
    return request.cache / "binaries"


def _entry(request: Request, version: Version) -> Path:
    return entries(request) / f"{version}-{request.target}"


def _cached_version(request: Request) -> Version | None:
    return best_match(versions_in(entries(request), f"*-{request.target}"), request.version)


def _record(path: Path) -> dict[str, str | int]:
    with path.open("rb") as file:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _verify(path: Path, record: dict[str, str | int]) -> None:
    size = path.stat().st_size
    if size != record["bytes"]:
        raise Damaged(f"its {path.name} has {size} bytes instead of {record['bytes']}")
    if _record(path) != record:
        raise Damaged(f"its {path.name} is not the one that was stored (sha256 differs)")
    if not os.access(path, os.X_OK):
        raise Damaged(f"its {path.name} is not executable")


def _wait_for(lock: int, request: Request) -> Binaries | None:
    """Return ``None`` once ``lock`` is held, or the binaries once another process cached them."""
    began = time.monotonic()
    reported = -_WAIT_SAY_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        waited = time.monotonic() - began
        if waited - reported >= _WAIT_SAY_S:
            request.say(
                f"another process is filling the cache; waiting for it ({waited:.0f} s so far)"
            )
            reported = waited
        time.sleep(_WAIT_POLL_S)
        with suppress(PassedOver):
            return find(request)
