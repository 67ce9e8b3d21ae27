"""The command line of a server: arguments, checks before serving, one line a failure."""

import argparse
import json
import math
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from kube_informer import ClientConfig, CredentialsError
from kube_informer.redaction import redact, redact_output
from servers.access_log import AccessLog
from servers.asgi import AsgiServer
from servers.metrics import new_registry
from servers.reachability import ApiServerAwayError, check_reachable
from servers.registry import SERVERS, build_source
from servers.serve import listen, serve
from servers.server import Settings
from servers.source import PodSource
from servers.worker_group import WorkerGroup

BAD_KUBECONFIG = 3
API_SERVER_AWAY = 4
PORT_TAKEN = 6

MAX_PORT = 65535
MAX_WORKERS = 8

EPILOG = """\
routes:
  /pods                      all pods
  /pods/<namespace>          those of one namespace
  /pods/<namespace>/<name>   one pod
    lists take labelSelector, fieldSelector, limit, continue, resourceVersion and
    resourceVersionMatch, one pod takes resourceVersion, as the API server does
  /healthz  /readyz  /metrics
  /workers                   the address of each worker, if there are several

workers:
  With --workers N, N processes share the port, each with its own read path, such as an
  informer with its own watch and cache. A connection stays with the worker that accepted it.
  /readyz covers all workers; /metrics shows the samples of each, labelled worker="K".

exit codes:
  0 stopped by SIGTERM or SIGINT   2 wrong usage   3 kubeconfig not usable
  4 API server not reachable       5 a worker died     6 address in use or not assignable

examples:
  python -m servers informer --kubeconfig ~/.kube/config
  python -m servers direct --kubeconfig bench.kubeconfig --port 8081 --threads 16
  python -m servers informer --kubeconfig ~/.kube/config --workers 4
  curl 'http://127.0.0.1:8080/pods?labelSelector=app=web&limit=2'
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a server until a signal stops it; exit with one of the codes above."""
    redact_output()
    options = _parser().parse_args(arguments)
    chosen = _chosen_options(options)
    try:
        config = ClientConfig.load(
            options.kubeconfig, options.context, preferred=SERVERS[options.name].identity
        )
        check_reachable(config)
    except CredentialsError as error:
        _fail(options.name, str(error), BAD_KUBECONFIG)
    except ApiServerAwayError as error:
        _fail(options.name, str(error), API_SERVER_AWAY)
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        address = f"{options.host} port {options.port}"
        reason = error.strerror or str(error)
        _fail(options.name, f"cannot listen on {address}: {reason} (--host, --port)", PORT_TAKEN)
    settings = Settings(config, options.namespace, options.threads, chosen, options.replica)
    group = WorkerGroup(options.workers) if options.workers > 1 else None

    def make_app(worker: int) -> tuple[Any, PodSource, list[socket.socket]]:
        registry = new_registry()
        worker_settings = replace(settings, worker=worker) if group else settings
        source = build_source(options.name, worker_settings, registry)
        app = AsgiServer(source, registry, options.threads, group)
        served = AccessLog(app, sys.stdout) if options.access_log else app
        return served, source, [group.listener(worker)] if group else []

    host, port = listener.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    print(
        f"servers {options.name}: http://{host}:{port}/pods reads "
        f"{config.server} as context {config.context!r}",
        flush=True,
    )
    sys.exit(serve(make_app, listener, options.workers))


def _chosen_options(options: argparse.Namespace) -> dict[str, float]:
    """Return the options of ``--set``; exit with code 2 for an option that this server lacks."""
    known = {option.name: option for option in SERVERS[options.name].options}
    chosen: dict[str, float] = {}
    for name, value in options.set:
        if name not in known:
            available = f"there is {', '.join(known)}" if known else "it has no options"
            options.refuse(f"argument --set: {options.name} has no option {name!r}; {available}")
        if value < known[name].least:
            options.refuse(f"argument --set: {name}={value:g} is below {known[name].least:g}")
        chosen[name] = value
    return chosen


def _fail(name: str, reason: str, code: int) -> NoReturn:
    print(redact(f"servers {name}: {reason}"), file=sys.stderr)
    sys.exit(code)


class _Parser(argparse.ArgumentParser):
    """Imports all servers only to print its help."""

    def format_help(self) -> str:
        width = max(map(len, SERVERS))
        lines = ["Serve the pods of a cluster over HTTP, read in one of these ways:"]
        for name, server in SERVERS.items():
            options = [f" [--set {o.name}={o.default:g} {o.unit}]" for o in server.options]
            lines.append(f"  {name:{width}}  {server.summary}{''.join(options)}")
        self.description = "\n".join(lines)
        return super().format_help()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m servers",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--list", action=_ListServers, nargs=0, help="print the names as JSON, for programs"
    )
    parser.add_argument("name", metavar="NAME", choices=SERVERS, help="one of these ways")
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="kubeconfig of the API server; default: as kubectl, $KUBECONFIG, ~/.kube/config or, "
        "in a pod, its service account",
    )
    parser.add_argument(
        "--context",
        metavar="C",
        help="context of the kubeconfig; default: the one named as the server's own identity "
        "(direct or informer, by its way to read) if there is one, else the current one",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8080, metavar="P", help="0 takes a free one (%(default)s)"
    )
    parser.add_argument(
        "--namespace",
        metavar="N",
        help="read only this namespace: /pods lists it, and other namespaces get 403",
    )
    parser.add_argument(
        "--threads",
        type=_positive,
        default=8,
        metavar="T",
        help="requests that a worker serves at once (%(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=_worker_count,
        default=1,
        metavar="N",
        help=f"processes that share the port, 1 to {MAX_WORKERS} (%(default)s)",
    )
    parser.add_argument(
        "--set",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of this server; may be repeated",
    )
    parser.add_argument(
        "--replica",
        type=_positive,
        default=1,
        metavar="R",
        help="number of this process among several of the same server: its User-Agent ends in it, "
        "so that the API server's audit log distinguishes them (%(default)s)",
    )
    parser.add_argument(
        "--access-log", action="store_true", help="a JSON line on stdout for each request"
    )
    parser.set_defaults(refuse=parser.error)
    return parser


class _ListServers(argparse.Action):
    """Prints the available servers and exits, as ``--help`` does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        servers = [
            {
                "name": name,
                "identity": server.identity,
                "summary": server.summary,
                "contract": server.contract,
            }
            for name, server in SERVERS.items()
        ]
        print(json.dumps(servers))
        parser.exit()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to {MAX_PORT})")
    return int(text)


def _assignment(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (name and equals and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=NUMBER")
    return name, number


def _worker_count(text: str) -> int:
    number = _positive(text)
    if number > MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_WORKERS}")
    return number


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)
