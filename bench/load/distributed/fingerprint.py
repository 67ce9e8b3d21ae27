"""Version fingerprint of a process: processes that differ in it must not share a load.

The commit is not enough: a worker may run from an archive or an image without a
repository, and a checkout may be changed. So the sources themselves are compared.
"""

import hashlib
import importlib.metadata
import platform
from pathlib import Path

import bench

PACKAGES = ("gevent", "httptools", "locust", "msgspec", "numpy", "pyarrow", "pyzmq")
"""Packages that a worker's figures or messages depend on."""

Fingerprint = dict[str, str]
"""Versions by the name of the component."""


def fingerprint() -> Fingerprint:
    """Return the versions that this process runs: sources of ``bench``, Python, packages."""
    python = ".".join(platform.python_version_tuple()[:2])
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"sources": sources(Path(bench.__file__).parent), "Python": python, **packages}


def sources(folder: Path) -> str:
    """Return a digest of the Python sources under ``folder``, their names included."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def differences(ours: Fingerprint, theirs: Fingerprint) -> str | None:
    """Return a text on each difference between two fingerprints; ``None`` if they are equal."""
    names = sorted({*ours, *theirs}, key=lambda name: (name != "sources", name))
    differing = [
        f"{name} {theirs.get(name, 'unknown')} at the worker, {ours.get(name, 'unknown')} at the "
        "master"
        for name in names
        if ours.get(name) != theirs.get(name)
    ]
    return "; ".join(differing) or None
