"""kubectl of the tested version, and the API server and proxies of the kubeconfigs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cluster.binaries import KUBERNETES_VERSION, Version, gobuild
from bench.cluster.binaries.model import Request
from bench.cluster.control_plane import ControlPlane
from bench.supervision.user_cache import default_folder
from bench.supervision.watchdog import Watchdog
from tests.integration.credentials.world import World, connect_proxy, forwarder, kubectl_proxy


@pytest.fixture(scope="session")
def kubectl(watchdog: Watchdog) -> Path:
    """Build kubectl from the pinned modules, about three minutes the first time, into the cache."""
    version = Version.parse(KUBERNETES_VERSION)
    request = Request(version, os.environ, default_folder(os.environ), print)
    folder = request.cache / "kubectl"
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / f"kubectl-{version}-{request.target}"
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            with watchdog.staging(folder) as stage:
                gobuild.make(request, stage, watchdog, [gobuild.KUBECTL])
                (stage / "kubectl").replace(binary)
    return binary


@pytest.fixture(scope="session")
def ways(
    control_plane: ControlPlane,
    kubectl: Path,
    watchdog: Watchdog,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    port = int(control_plane.url.rpartition(":")[2])
    with ExitStack() as stack:
        yield World(
            control_plane,
            tmp_path_factory.mktemp("unused"),
            stack.enter_context(forwarder(port)),
            stack.enter_context(connect_proxy()),
            stack.enter_context(kubectl_proxy(kubectl, control_plane.kubeconfig, watchdog)),
        )


@pytest.fixture
def world(ways: World, tmp_path: Path) -> World:
    return replace(ways, folder=tmp_path)
