"""Our own cache: whole entries or none, verified on each use, one maker at a time."""

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
    """The cache has an entry that is not what was put there."""


def find(request: Request) -> Binaries:
    """Return the cached binaries of the wanted minor version, verified byte for byte.

    Raises ``PassedOver`` if there are none and ``Damaged`` if they are not as recorded.
    """
    version = _cached_version(request)
    if version is None:
        raise PassedOver(f"has nothing yet for Kubernetes {request.wanted} on {request.target}")
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
    """Remove the entry that ``find`` looks at. Only under ``locked``."""
    version = _cached_version(request)
    if version is not None:
        shutil.rmtree(_entry(request, version))


@contextmanager
def locked(request: Request) -> Iterator[Binaries | None]:
    """Hold the cache for making an entry; say so while another process holds it.

    Gives ``None``, or what is wanted if that came into the cache meanwhile: then nothing
    is held, for the cache may be busy with another version. The kernel drops the lock
    when its holder ends, however it ends.
    """
    folder = entries(request)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        came = _wait_for(lock.fileno(), request)
        if came is None:
            for left in folder.glob(f"{STAGE_PREFIX}*"):
                shutil.rmtree(left)  # of a maker that was ended by force
        yield came


def admit(request: Request, stage: Path, source: str) -> Binaries:
    """Turn a stage with both binaries into an entry, all at once. Only under ``locked``.

    Raises ``PassedOver`` if a binary is not usable or not of the wanted minor version.
    """
    for name in NAMES:
        if (stage / name).is_file():
            (stage / name).chmod(0o755)
    try:
        made = inspect_folder(stage, source)
        version = Version.parse(made.kubernetes)
    except (NotUsable, ValueError) as error:
        raise PassedOver(str(error).replace(f"{stage}/", "its ")) from error
    if not version.stands_in_for(request.wanted):
        raise PassedOver(f"gave Kubernetes {version}, not {request.wanted}")
    manifest = {
        "kubernetes": made.kubernetes,
        "etcd": made.etcd_version,
        "source": source,
        "files": {name: _record(stage / name) for name in NAMES},
    }
    (stage / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    stage.chmod(0o755)
    entry = _entry(request, version)
    if entry.exists():
        shutil.rmtree(entry)
    stage.rename(entry)
    return replace(made, kube_apiserver=entry / "kube-apiserver", etcd=entry / "etcd")


def entries(request: Request) -> Path:
    """Return where the entries are, and where they are made: on one file system."""
    return request.cache / "binaries"


def _entry(request: Request, version: Version) -> Path:
    return entries(request) / f"{version}-{request.target}"


def _cached_version(request: Request) -> Version | None:
    return best_match(versions_in(entries(request), f"*-{request.target}"), request.wanted)


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
        raise Damaged(f"its {path.name} is not the one that was put there (sha256 differs)")
    if not os.access(path, os.X_OK):
        raise Damaged(f"its {path.name} is not executable")


def _wait_for(lock: int, request: Request) -> Binaries | None:
    """Return when ``lock`` is held, or what is wanted as soon as another process has made it."""
    began = time.monotonic()
    said = -_WAIT_SAY_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        waited = time.monotonic() - began
        if waited - said >= _WAIT_SAY_S:
            request.say(
                f"another process is filling the cache; waiting for it ({waited:.0f} s so far)"
            )
            said = waited
        time.sleep(_WAIT_POLL_S)
        with suppress(PassedOver):
            return find(request)
