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
from bench.supervision.watchdog import Watchdog
from bench.sut.server import ServerUnderTest

OURS = "# written by python -m bench up, which removes it when it ends\n"


def up(
    playground: Playground, kubeconfig_out: Path | None, progress: Progress, *, as_json: bool
) -> None:
    """Bring everything up, print the addresses, and watch over it until interrupted.

    The kubeconfig is copied to the new file ``kubeconfig_out``, if one is named.
    Raises ``ProcessFailed`` or ``WatchdogLost`` when one of the processes ends,
    ``BinariesUnavailable``, and ``OSError`` when the kubeconfig cannot be written or is
    there already. Ctrl-C ends it in order.
    """
    with ExitStack() as stack:
        if kubeconfig_out is not None:
            _claim(kubeconfig_out)  # before anything is started
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
        while True:
            watchdog.check()
            cluster.check()
            for server in servers.values():
                server.check()
            time.sleep(WATCH_EVERY_S)


def _claim(path: Path) -> None:
    """Make an empty file, never in place of one that is somebody else's; else ``OSError``."""
    if path.is_file() and path.read_text(errors="replace").startswith(OURS):
        path.unlink()  # of an ``up`` that was killed outright
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(OURS)


def _announcement(
    playground: Playground, cluster: PopulatedCluster[ControlPlane], at: dict[str, str]
) -> str:
    pod = cluster.targets.pods[0]
    return (
        f"Kubernetes {cluster.plane.binaries.kubernetes}, {playground}.\n"
        f"  API server   {at['api_server']}\n"
        f"  informer     {at['informer']}/pods\n"
        f"  direct       {at['direct']}/pods\n"
        f"  kubeconfig   {at['kubeconfig']}\n"
        f"  audit log    {at['audit_log']}\n"
        "Try, in another terminal:\n"
        f"  kubectl --kubeconfig {at['kubeconfig']} get pods -A\n"
        f"  curl '{at['informer']}/pods/{pod[0]}/{pod[1]}'\n"
        f"  .venv/bin/locust -f bench/load/locustfile.py --host {at['informer']}\n"
        "Ctrl-C ends it all and leaves nothing behind."
    )
