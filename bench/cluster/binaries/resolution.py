"""Asking the sources in order, and telling what was passed over and why."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.cluster.binaries import archive, gobuild, ready_made
from bench.cluster.binaries import cache as our_cache
from bench.cluster.binaries.model import (
    ANY_PATCH,
    Binaries,
    BinariesUnavailable,
    PassedOver,
    Request,
    Version,
)
from bench.cluster.binaries.pins import pin_for, pins
from bench.supervision.user_cache import default_folder
from bench.supervision.watchdog import Watchdog

KUBERNETES_VERSION = "1.37.2"
"""What is wanted by default: the newest that can be built from the pinned modules."""

_FOUND = {
    "environment": ready_made.named,
    "cache": our_cache.find,
    "setup-envtest": ready_made.of_setup_envtest,
}

_Make = Callable[[Request, Path, Watchdog], None]
_MADE: dict[str, _Make] = {
    "archive": lambda request, stage, _: archive.make(request, stage),
    "go build": gobuild.make,
}


def _say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def resolve(
    *,
    kubernetes: str = KUBERNETES_VERSION,
    say: Callable[[str], None] = _say_on_stderr,
    cache: Path | None = None,
    env: Mapping[str, str] = os.environ,
) -> Binaries:
    """Return a kube-apiserver and an etcd, from the first source that has them.

    In order: the environment's variables, our cache, setup-envtest's store, the
    official archive, the build from pinned modules; the last two fill the cache.
    ``kubernetes`` is a version such as 1.37.2 or 1.37. Another patch of the same minor
    version stands in where the exact one is not to be had. ``say`` gets lines for a
    person, only while there is something to wait for; ``cache`` replaces our folder in
    the user's cache.

    Raises ``BinariesUnavailable`` with every reason and the ways out, and
    ``ValueError`` if ``kubernetes`` is no version.
    """
    folder = default_folder(env) if cache is None else cache
    request = Request(Version.wanted(kubernetes), env, folder, say)
    passed_over: dict[str, str] = {}
    for source, find in _FOUND.items():
        try:
            return find(request)
        except PassedOver as why:
            passed_over[source] = str(why)
    try:
        return _make(request, passed_over)
    except OSError as error:
        passed_over["cache"] = f"cannot be filled: {error}"
        raise _unavailable(request, passed_over) from error


def _make(request: Request, passed_over: dict[str, str]) -> Binaries:
    """Fill the cache, unless another process has done so meanwhile."""
    with our_cache.locked(request) as came:
        if came is not None:
            return came
        try:
            return our_cache.find(request)
        except our_cache.Damaged as why:
            request.say(f"cache: {why}; thrown away, to be made again")
            our_cache.throw_away(request)
        except PassedOver:
            pass
        request.say(f"kube-apiserver {request.wanted} and its etcd have to be fetched or built:")
        for source, why_not in passed_over.items():
            request.say(f"  {source}: {why_not}")
        with Watchdog() as watchdog:
            for source, make in _MADE.items():
                try:
                    with watchdog.staging(our_cache.entries(request)) as stage:
                        make(request, stage, watchdog)
                        return our_cache.admit(request, stage, source)
                except PassedOver as why:
                    passed_over[source] = str(why)
                    request.say(f"  {source}: {why}")
    raise _unavailable(request, passed_over)


def _unavailable(request: Request, passed_over: Mapping[str, str]) -> BinariesUnavailable:
    wanted = request.wanted
    minor = f"{wanted.major}.{wanted.minor}"
    reasons = (f"  {source}: {why}" for source, why in passed_over.items())
    folder_or_files = (
        f"  - set KUBEBUILDER_ASSETS to a folder with kube-apiserver {minor} and its etcd, or "
        "TEST_ASSET_KUBE_APISERVER and TEST_ASSET_ETCD to the files"
    )
    ways_out = (
        _to_build(request),
        folder_or_files,
        "  - restore the network, for the envtest archive or the Go toolchain and modules",
    )
    head = f"no kube-apiserver and etcd for Kubernetes {wanted} on {request.target}:"
    return BinariesUnavailable("\n".join([head, *reasons, "Any one of these helps:", *ways_out]))


def _to_build(request: Request) -> str:
    pin, wanted = pin_for(request.wanted), request.wanted
    if pin is None:
        exact = wanted if wanted.patch != ANY_PATCH else f"{wanted}.N"
        buildable = " or ".join(str(one.kubernetes) for one in pins())
        return (
            f"  - ask for a version that can be built here: {buildable}\n"
            f"  - if there is a Kubernetes {wanted}, pin its modules, so that it can be built: "
            f"python -m bench.cluster.binaries.pin {exact}"
        )
    return f"  - install Go {pin.go[0]}.{pin.go[1]} or newer and have it on the PATH"
