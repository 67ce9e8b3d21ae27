"""A populated throwaway cluster and both servers, until the person has had enough."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.cluster.binaries import KUBERNETES_VERSION, resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.fleet import ServerUnderTest
from bench.kinds import server_kinds
from bench.progress import Progress
from bench.supervision.watchdog import Watchdog

SERVERS = ("informer", "direct")
WATCH_EVERY_S = 0.5

OURS = "# written by python -m bench up, which removes it when it ends\n"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What is wanted: how many pods, how many writes a second, and where to say so."""

    pods: int
    churn_per_s: float
    seed: int
    kubeconfig_out: Path | None
    as_json: bool
    kubernetes: str = KUBERNETES_VERSION


def up(options: UpOptions, progress: Progress) -> None:
    """Bring everything up, print the addresses, and watch over it until interrupted.

    Raises ``ProcessFailed`` when one of the processes ends, ``BinariesUnavailable``,
    ``OSError`` when the kubeconfig cannot be written or is there already. Ctrl-C ends
    it in order.
    """
    with ExitStack() as stack:
        if options.kubeconfig_out is not None:
            _claim(options.kubeconfig_out)  # before anything is started
            stack.callback(options.kubeconfig_out.unlink, missing_ok=True)
        watchdog = stack.enter_context(Watchdog())
        binaries = resolve(kubernetes=options.kubernetes, say=progress.say)
        progress.move("starting etcd and kube-apiserver", 0.0)
        cluster = stack.enter_context(
            PopulatedCluster(
                partial(ControlPlane.start, binaries),
                watchdog,
                seed=options.seed,
                pods=options.pods,
                progress=lambda done, wanted: progress.move(
                    "writing pods", done / wanted, f"{done:,} of {wanted:,}"
                ),
            )
        )
        servers = {}
        for name in SERVERS:
            progress.move(f"starting the server {name}", 0.0)
            servers[name] = stack.enter_context(
                ServerUnderTest.start(
                    server_kinds()[name],
                    kubeconfig=cluster.plane.kubeconfig,
                    watchdog=watchdog,
                    log=cluster.plane.folder / f"{name}.log",
                )
            )
        cluster.churn.resume(options.churn_per_s)
        progress.settle()
        kubeconfig = cluster.plane.kubeconfig
        if options.kubeconfig_out is not None:
            kubeconfig = options.kubeconfig_out.absolute()
            kubeconfig.write_text(OURS + cluster.plane.kubeconfig.read_text())
        _announce(options, progress, cluster, servers, kubeconfig)
        while True:
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
        f"Kubernetes {cluster.plane.binaries.kubernetes}, {options.pods:,} pods, "
        f"{options.churn_per_s:g} writes a second, seed {options.seed}.\n"
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
