"""Provenance: machine and software of a run. No host name, address, path or secret."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil

import bench
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import CHANGED_DEFAULTS
from bench.model import Environment

PACKAGES = (
    "cryptography",
    "flask",
    "gevent",
    "geventhttpclient",
    "httptools",
    "jinja2",
    "kubernetes",
    "locust",
    "matplotlib",
    "msgspec",
    "numpy",
    "pandas",
    "prometheus-client",
    "psutil",
    "pyarrow",
    "scipy",
    "urllib3",
    "uvicorn",
    "uvloop",
    "werkzeug",
)
"""Packages whose version may affect a figure: the servers', the load's, the analysis's."""
UNKNOWN = "unknown"


class BrokenEnvironmentError(Exception):
    """Raised when the Python environment lacks a package that a run needs."""


def package_versions() -> dict[str, str]:
    """Return the version of each of ``PACKAGES``; raise ``BrokenEnvironmentError`` without one.

    A run calls this before it builds or measures anything: some are needed only for its report.
    """
    try:
        return {name: importlib.metadata.version(name) for name in PACKAGES}
    except importlib.metadata.PackageNotFoundError as error:
        raise BrokenEnvironmentError(
            f"the environment of {sys.executable} lacks the package {error.name!r}; "
            "make it again: rm -r .venv && make env"
        ) from error


def describe(binaries: Binaries) -> Environment:
    """Describe this machine and the binaries of a run on our own control plane."""
    return describe_machine(
        kubernetes=binaries.kubernetes,
        etcd=binaries.etcd_version,
        binaries=binaries.source,
        changed_defaults=CHANGED_DEFAULTS,
    )


def describe_machine(
    *, kubernetes: str, etcd: str, binaries: str, changed_defaults: tuple[str, ...]
) -> Environment:
    """Describe this machine; the arguments describe the control plane."""
    return Environment(
        kubernetes=kubernetes,
        etcd=etcd,
        python=platform.python_version(),
        packages=package_versions(),
        kernel=platform.release(),
        machine=platform.machine(),
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)),
        memory_bytes=psutil.virtual_memory().total,
        load_average_1m=os.getloadavg()[0],
        commit=commit_of(Path(bench.__file__).parent),
        binaries=binaries,
        changed_defaults=changed_defaults,
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or UNKNOWN


def commit_of(folder: Path) -> str:
    """Return the commit of a checkout, marked if there are changes, or ``UNKNOWN``."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return UNKNOWN
    return f"{commit}, changed" if _git(folder, "status", "--porcelain") else commit


def _git(folder: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # not a checkout, or no git: the record then has ``UNKNOWN``
    return answer.stdout.strip()
