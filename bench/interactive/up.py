"""Start a populated throwaway cluster and both servers, until Ctrl-C."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.interactive.playground import (
    SERVERS,
    WATCH_EVERY_S,
    Playground,
    cluster_of,
    server_spec,
)
from bench.supervision.progress import Progress
from bench.supervision.signals import ending
from bench.supervision.watchdog import Watchdog
from bench.sut.server import ServerUnderTest

OURS = "# written by python -m bench up, which removes it when it ends\n"


def up(
    playground: Playground, kubeconfig_out: Path | None, progress: Progress, *, as_json: bool
) -> None:
    """Start cluster and servers, print their addresses, and check them until interrupted.

    Copies the kubeconfig to the new file ``kubeconfig_out``, if given.
    Raises ``ProcessFailed`` or ``WatchdogLost`` when one of the processes ends,
    ``BinariesUnavailable``, and ``OSError`` when the kubeconfig cannot be written or
    exists already. Ctrl-C stops everything in order.
    """
    with ExitStack() as stack:
        if kubeconfig_out is not None:
            _claim(kubeconfig_out)  # before any process starts
            stack.callback(kubeconfig_out.unlink, missing_ok=True)
        watchdog = stack.enter_context(Watchdog("a cluster of bench up"))
        cluster = stack.enter_context(cluster_of(playground, watchdog, progress))
        servers = {}
        for name in SERVERS:
            progress.move(f"starting the server {name}", 0.0)
            server = ServerUnderTest.start(server_spec(name, cluster.plane), watchdog)
            servers[name] = stack.enter_context(server)
        cluster.churn.resume(playground.churn_per_s)
        progress.settle()
        kubeconfig = cluster.plane.kubeconfig
        if kubeconfig_out is not None:
            kubeconfig = kubeconfig_out.absolute()
            kubeconfig.write_text(OURS + cluster.plane.kubeconfig.read_text())
        addresses = {
            "api_server": cluster.plane.url,
            "kubeconfig": str(kubeconfig),
            **{name: server.url for name, server in servers.items()},
            "audit_log": str(cluster.plane.audit_log),
        }
        if as_json:
            print(json.dumps(addresses), flush=True)
        else:
            progress.say(_announcement(playground, cluster, addresses))
        progress.say(f"{ending()} ends it all and leaves nothing behind.")
        while True:
            watchdog.check()
            cluster.check()
            for server in servers.values():
                server.check()
            time.sleep(WATCH_EVERY_S)


def _claim(path: Path) -> None:
    """Create ``path``; raise ``OSError`` rather than replace a file of somebody else's."""
    if path.is_file() and path.read_text(errors="replace").startswith(OURS):
        path.unlink()  # left by an ``up`` that was killed
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(OURS)


def _announcement(
    playground: Playground, cluster: PopulatedCluster[ControlPlane], addresses: dict[str, str]
) -> str:
    pod = cluster.targets.pods[0]
    return (
        f"Kubernetes {cluster.plane.binaries.kubernetes}, {playground}.\n"
        f"  API server   {addresses['api_server']}\n"
        f"  informer     {addresses['informer']}/pods\n"
        f"  direct       {addresses['direct']}/pods\n"
        f"  kubeconfig   {addresses['kubeconfig']}\n"
        f"  audit log    {addresses['audit_log']}\n"
        "Try, in another terminal:\n"
        f"  kubectl --kubeconfig {addresses['kubeconfig']} get pods -A\n"
        f"  curl '{addresses['informer']}/pods/{pod[0]}/{pod[1]}'\n"
        f"  .venv/bin/locust -f bench/load/locustfile.py --host {addresses['informer']}"
    )
