"""Start a populated throwaway cluster and both servers, until Ctrl-C."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What is wanted, and where to say so."""

    playground: Playground
    kubeconfig_out: Path | None
    as_json: bool


def up(options: UpOptions, progress: Progress) -> None:
    """Bring everything up, print the addresses, and watch over it until interrupted.

    Raises ``ProcessFailed`` or ``WatchdogLost`` when one of the processes ends,
    ``BinariesUnavailable``, and ``OSError`` when the kubeconfig cannot be written or is
    there already. Ctrl-C ends it in order.
    """
    playground = options.playground
    with ExitStack() as stack:
        if options.kubeconfig_out is not None:
            _claim(options.kubeconfig_out)  # before anything is started
            stack.callback(options.kubeconfig_out.unlink, missing_ok=True)
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
        if options.kubeconfig_out is not None:
            kubeconfig = options.kubeconfig_out.absolute()
            kubeconfig.write_text(OURS + cluster.plane.kubeconfig.read_text())
        _announce(options, progress, cluster, servers, kubeconfig)
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


def _announce(
    options: UpOptions,
    progress: Progress,
    cluster: PopulatedCluster[ControlPlane],
    servers: dict[str, ServerUnderTest],
    kubeconfig: Path,
) -> None:
    addresses = {
        "api_server": cluster.plane.url,
        "kubeconfig": str(kubeconfig),
        **{name: server.url for name, server in servers.items()},
        "audit_log": str(cluster.plane.audit_log),
    }
    if options.as_json:
        print(json.dumps(addresses), flush=True)
        return
    pod = cluster.targets.pods[0]
    progress.say(
        f"Kubernetes {cluster.plane.binaries.kubernetes}, {options.playground}.\n"
        f"  API server   {cluster.plane.url}\n"
        f"  informer     {servers['informer'].url}/pods\n"
        f"  direct       {servers['direct'].url}/pods\n"
        f"  kubeconfig   {kubeconfig}\n"
        f"  audit log    {cluster.plane.audit_log}\n"
        "Try, in another terminal:\n"
        f"  kubectl --kubeconfig {kubeconfig} get pods -A\n"
        f"  curl '{servers['informer'].url}/pods/{pod[0]}/{pod[1]}'\n"
        f"  .venv/bin/locust -f bench/load/locustfile.py --host {servers['informer'].url}\n"
        "Ctrl-C ends it all and leaves nothing behind."
    )
