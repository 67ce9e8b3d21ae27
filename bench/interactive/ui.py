"""The composition: everything started in order, watched over, and ended in reverse."""

import ipaddress
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench.interactive.environment import Stand
from bench.interactive.live_metrics import Observer
from bench.interactive.locust_processes import LOCUSTFILE, Swarm, SwarmOptions
from bench.interactive.playground import SERVERS, WATCH_EVERY_S, Playground, cluster_of
from bench.interactive.ports import free_port, require_free
from bench.interactive.service import Handlers, Refused, Service
from bench.interactive.session import Session
from bench.load.targets import write_targets
from bench.supervision.progress import Progress
from bench.supervision.watchdog import Watchdog
from bench.sut.registry import server_kinds


@dataclass(frozen=True, slots=True)
class UiOptions:
    """What is wanted; a port 0 lets us choose."""

    playground: Playground
    swarm: SwarmOptions


def ui(options: UiOptions, progress: Progress) -> None:
    """Bring everything up, print the address, and watch over it until interrupted.

    Raises ``PortTaken`` before anything is started, ``ProcessFailed`` when something
    does not come up or Locust ends, ``BinariesUnavailable``. Ctrl-C ends it in order.
    """
    swarm_options = _with_ports(options.swarm)
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog())
        stand = _start_stand(options, swarm_options, watchdog, stack, progress)
        folder = stand.plane.folder
        observer = Observer(stand)
        stack.callback(observer.close)
        session = Session(stand, folder, seed=options.playground.seed)
        handlers = _handlers(stand, observer, session)
        service = stack.enter_context(Service(folder / "ui.sock", handlers))
        progress.move("starting Locust", 0.0)
        urls = {name: server.url for name, server in stand.servers.items()}
        targets = folder / "targets.json"
        write_targets(targets, stand.cluster.targets)
        swarm = Swarm(swarm_options, urls, targets, folder=folder, watchdog=watchdog)
        stack.enter_context(swarm)
        swarm.start(service.path)
        keeper = stand.keeper
        keeper.add(swarm.parts())
        progress.settle()
        _announce(options, swarm_options, urls, stand.plane.audit_log, progress)
        while True:
            swarm.page.check()
            keeper.look()
            time.sleep(WATCH_EVERY_S)


def _with_ports(swarm: SwarmOptions) -> SwarmOptions:
    if swarm.port == 0:
        swarm = replace(swarm, port=free_port(swarm.host, "--host"))
    else:
        require_free(swarm.host, swarm.port, "--port")
    if not swarm.distributed:
        return swarm
    if swarm.master_bind_port == 0:
        return replace(
            swarm, master_bind_port=free_port(swarm.master_bind_host, "--master-bind-host")
        )
    require_free(swarm.master_bind_host, swarm.master_bind_port, "--master-bind-port")
    return swarm


def _start_stand(
    options: UiOptions,
    swarm: SwarmOptions,
    watchdog: Watchdog,
    stack: ExitStack,
    progress: Progress,
) -> Stand:
    cluster = stack.enter_context(cluster_of(options.playground, watchdog, progress))
    stand = stack.enter_context(
        Stand(cluster, watchdog, address=swarm.master_bind_host, say=progress.say)
    )
    for name in SERVERS:
        progress.move(f"starting the server {name}", 0.0)
        stand.start_server(server_kinds()[name])
    stand.keeper.add(stand.parts())
    stand.set_churn(options.playground.churn_per_s)
    return stand


def _handlers(stand: Stand, observer: Observer, session: Session) -> Handlers:
    def churn(content: dict[str, object]) -> dict[str, object]:
        try:
            per_s = float(str(content.get("per_s")))
        except ValueError as error:
            raise Refused("writes a second are a number", 400) from error
        stand.set_churn(per_s)
        return {"per_s": stand.churn_per_s}

    def freeze(_: dict[str, object]) -> dict[str, object]:
        stand.freeze()
        return {"frozen_s": stand.freezer.left_s}

    return {
        "step": lambda content: observer.step(content["answers"], content["failed"]),
        "churn": churn,
        "freeze": freeze,
        "begin": session.begin,
        "end": session.end,
        "session": lambda _: session.pack(),
    }


def _announce(
    options: UiOptions,
    swarm: SwarmOptions,
    urls: dict[str, str],
    audit_log: Path,
    progress: Progress,
) -> None:
    if not _is_loopback(swarm.host):
        progress.say(
            f"warning: the page listens on {swarm.host}: whoever reaches it can start load and "
            "freeze the API server; there is no password"
        )
    if not _is_loopback(swarm.master_bind_host):
        progress.say(
            f"warning: Locust's master and both servers listen on {swarm.master_bind_host}, "
            "without a password"
        )
    if swarm.expect_workers:
        progress.say(
            f"waiting for {swarm.expect_workers} workers; on each machine, in a checkout:\n"
            f"  .venv/bin/locust -f {LOCUSTFILE} --worker "
            f"--master-host {swarm.master_bind_host} --master-port {swarm.master_bind_port}"
        )
    progress.say(
        f"{options.playground}.\n"
        + "".join(f"  {name:10} {url}/pods\n" for name, url in urls.items())
        + f"  page       {swarm.url}\n"
        f"  API server {swarm.url}/api-server/ (also a tab of the page once a test runs)\n"
        f"  as JSON    {swarm.url}/api-server/live.json\n"
        f"  audit log  {audit_log}\n"
        "Ctrl-C ends it all and leaves nothing behind."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
