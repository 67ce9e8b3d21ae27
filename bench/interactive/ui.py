"""Start the demo environment and its page in order, watch them, stop them in reverse."""

import ipaddress
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.interactive.environment import DemoEnvironment
from bench.interactive.live_metrics import LiveMetrics
from bench.interactive.locust_processes import LOCUSTFILE, LocustOptions, LocustProcesses
from bench.interactive.playground import SERVERS, WATCH_EVERY_S, Playground, cluster_of
from bench.interactive.service import Handlers, Refused, Service
from bench.interactive.session import Session
from bench.load.spec import write_spec
from bench.supervision.ports import usable_port
from bench.supervision.progress import Progress
from bench.supervision.signals import ending
from bench.supervision.watchdog import Watchdog


def ui(playground: Playground, locust: LocustOptions, progress: Progress) -> None:
    """Start environment and page, print the address, and check them until interrupted.

    Raises ``PortTaken`` before any process starts, ``ProcessFailed`` when a process
    does not start or Locust ends, ``BinariesUnavailable``. Ctrl-C stops everything in order.
    """
    locust = _with_ports(locust)
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog("the page of bench ui"))
        environment = _start_environment(playground, locust, watchdog, stack, progress)
        folder = environment.plane.folder
        live_metrics = LiveMetrics(environment)
        stack.callback(live_metrics.close)
        session = Session(environment, folder, seed=playground.seed)
        handlers = _handlers(environment, live_metrics, session)
        service = stack.enter_context(Service(folder / "ui.sock", handlers))
        progress.move("starting Locust", 0.0)
        urls = {name: server.url for name, server in environment.servers.items()}
        targets = folder / "targets.json"
        write_spec(targets, environment.cluster.targets)
        processes = LocustProcesses(locust, urls, targets, folder=folder, watchdog=watchdog)
        stack.enter_context(processes)
        processes.start(service.path)
        restarter = environment.restarter
        restarter.add(processes.parts())
        progress.settle()
        _announce(playground, locust, urls, environment.plane.audit_log, progress)
        while True:
            processes.page.check()
            restarter.look()
            time.sleep(WATCH_EVERY_S)


def _with_ports(locust: LocustOptions) -> LocustOptions:
    option = "--port" if locust.port else "--host"
    locust = replace(locust, port=usable_port(locust.host, locust.port, option=option))
    if not locust.distributed:
        return locust
    host, port = locust.master_bind_host, locust.master_bind_port
    option = "--master-bind-port" if port else "--master-bind-host"
    return replace(locust, master_bind_port=usable_port(host, port, option=option))


def _start_environment(
    playground: Playground,
    locust: LocustOptions,
    watchdog: Watchdog,
    stack: ExitStack,
    progress: Progress,
) -> DemoEnvironment:
    cluster = stack.enter_context(cluster_of(playground, watchdog, progress))
    environment = stack.enter_context(
        DemoEnvironment(cluster, watchdog, address=locust.master_bind_host, say=progress.say)
    )
    for name in SERVERS:
        progress.move(f"starting the server {name}", 0.0)
        environment.start_server(name)
    environment.restarter.add(environment.parts())
    environment.set_churn(playground.churn_per_s)
    return environment


def _handlers(
    environment: DemoEnvironment, live_metrics: LiveMetrics, session: Session
) -> Handlers:
    def churn(content: dict[str, object]) -> dict[str, object]:
        try:
            per_s = float(str(content.get("per_s")))
        except ValueError as error:
            raise Refused("writes per second must be a number", 400) from error
        environment.set_churn(per_s)
        return {"per_s": environment.churn_per_s}

    def freeze(_: dict[str, object]) -> dict[str, object]:
        environment.freeze()
        return {"frozen_s": environment.freezer.left_s}

    return {
        "step": lambda content: live_metrics.step(**content),
        "churn": churn,
        "freeze": freeze,
        "begin": session.begin,
        "end": session.end,
        "session": lambda _: session.pack(),
    }


def _announce(
    playground: Playground,
    locust: LocustOptions,
    urls: dict[str, str],
    audit_log: Path,
    progress: Progress,
) -> None:
    if not _is_loopback(locust.host):
        progress.say(
            f"warning: the page listens on {locust.host}: anyone who reaches it can start load and "
            "freeze the API server; there is no password"
        )
    if not _is_loopback(locust.master_bind_host):
        progress.say(
            f"warning: Locust's master and both servers listen on {locust.master_bind_host}, "
            "without a password"
        )
    if locust.expect_workers:
        progress.say(
            f"waiting for {locust.expect_workers} workers; on each machine, in a checkout:\n"
            f"  .venv/bin/locust -f {LOCUSTFILE} --worker "
            f"--master-host {locust.master_bind_host} --master-port {locust.master_bind_port}"
        )
    progress.say(
        f"{playground}.\n"
        + "".join(f"  {name:10} {url}/pods\n" for name, url in urls.items())
        + f"  page       {locust.url}\n"
        f"  as JSON    {locust.url}/api-server/live.json\n"
        f"  audit log  {audit_log}\n"
        f"{ending()} ends it all and leaves nothing behind."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
