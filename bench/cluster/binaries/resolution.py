"""Try the sources of binaries in order, and report why a source was passed over."""

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
"""Default version: the newest that the pinned modules build."""

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

    Sources in order: environment variables, our cache, setup-envtest's store, the
    official archive, the build from pinned modules; the last two fill the cache.
    ``kubernetes`` is a version such as 1.37.2 or 1.37. Another patch of the same minor
    version stands in if the exact one is unavailable. ``say`` gets lines for a person,
    only during a wait; ``cache`` replaces our folder in the user's cache.

    Raises ``BinariesUnavailable`` with every reason and remedy, and ``ValueError`` if
    ``kubernetes`` is not a version.
    """
    folder = default_folder(env) if cache is None else cache
    request = Request(Version.parse_request(kubernetes), env, folder, say)
    passed_over: dict[str, str] = {}
    for source, find in _FOUND.items():
        try:
            return find(request)
        except PassedOver as reason:
            passed_over[source] = str(reason)
    try:
        return _make(request, passed_over)
    except OSError as error:
        passed_over["cache"] = f"cannot be filled: {error}"
        raise _unavailable(request, passed_over) from error


def _make(request: Request, passed_over: dict[str, str]) -> Binaries:
    """Fill the cache, unless another process has done so meanwhile."""
    with our_cache.locked(request) as cached:
        if cached is not None:
            return cached
        try:
            return our_cache.find(request)
        except our_cache.Damaged as reason:
            request.say(f"cache: {reason}; removed, to be filled again")
            our_cache.throw_away(request)
        except PassedOver:
            pass
        request.say(f"kube-apiserver {request.version} and its etcd must be fetched or built:")
        for source, text in passed_over.items():
            request.say(f"  {source}: {text}")
        with Watchdog() as watchdog:
            for source, make in _MADE.items():
                try:
                    with watchdog.staging(our_cache.entries(request)) as stage:
                        make(request, stage, watchdog)
                        return our_cache.admit(request, stage, source)
                except PassedOver as reason:
                    passed_over[source] = str(reason)
                    request.say(f"  {source}: {reason}")
    raise _unavailable(request, passed_over)


def _unavailable(request: Request, passed_over: Mapping[str, str]) -> BinariesUnavailable:
    version = request.version
    minor = f"{version.major}.{version.minor}"
    reasons = (f"  {source}: {reason}" for source, reason in passed_over.items())
    folder_or_files = (
        f"  - set KUBEBUILDER_ASSETS to a folder with kube-apiserver {minor} and its etcd, or "
        "TEST_ASSET_KUBE_APISERVER and TEST_ASSET_ETCD to the files"
    )
    ways_out = (
        _to_build(request),
        folder_or_files,
        "  - restore the network, for the envtest archive or the Go toolchain and modules",
    )
    title = f"no kube-apiserver and etcd for Kubernetes {version} on {request.target}:"
    return BinariesUnavailable("\n".join([title, *reasons, "Any one of these helps:", *ways_out]))


def _to_build(request: Request) -> str:
    pin, version = pin_for(request.version), request.version
    if pin is None:
        exact = version if version.patch != ANY_PATCH else f"{version}.N"
        buildable = " or ".join(str(candidate.kubernetes) for candidate in pins())
        return (
            f"  - ask for a version that can be built here: {buildable}\n"
            f"  - if there is a Kubernetes {version}, pin its modules, so that it can be built: "
            f"python -m bench.cluster.binaries.pin {exact}"
        )
    return f"  - install Go {pin.go[0]}.{pin.go[1]} or newer and have it on the PATH"
