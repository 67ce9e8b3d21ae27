"""``bench ui``: Locust's web page on both servers, with live metrics of the API server."""

import argparse

import msgspec

from bench.cli.arguments import whole_number
from bench.cli.exits import OK
from bench.cli.up import add_playground, playground_of
from bench.interactive.locust_processes import MASTER_PORT, LocustOptions
from bench.interactive.ui import ui
from bench.supervision.progress import Progress

DESCRIPTION = """\
A populated throwaway cluster, both servers, and Locust's web page for them. Open the printed
address and load both servers alike with one click: the page shows the requests of each to the API
server. Under "Locust" are Locust's own page and users of every route."""

EPILOG = """\
workers:
  --workers 2 starts two Locust workers here, each on its own processor if there is one.
  Workers on other machines: give an address of this machine that they reach, on which Locust's
  master and both servers then listen (there is no password), and the number of workers:
    here    python -m bench ui --expect-workers 2 --master-bind-host 192.0.2.10
    there   .venv/bin/locust -f bench/load/webui/locustfile.py --worker --master-host 192.0.2.10
  They need nothing else: the master sends them the servers' addresses. Statistics and request
  rows of all workers are merged; clocks of the machines should agree.

scripts:
  curl http://127.0.0.1:8089/api-server/live.json      the page's figures, as JSON
  curl -c jar http://127.0.0.1:8089/ -o page.html      the cookie for the commands below:
  curl -b jar -d per_s=50 http://127.0.0.1:8089/api-server/churn
  curl -b jar -X POST http://127.0.0.1:8089/api-server/freeze
  curl -b jar -X POST http://127.0.0.1:8089/api-server/session -o session.tar.gz
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address of the page (%(default)s); any other prints a warning",
    )
    parser.add_argument(
        "--port", type=_port, default=8089, help="port of the page (%(default)s); 0 chooses one"
    )
    add_playground(parser)
    parser.add_argument(
        "--workers", type=_few, default=0, metavar="N", help="Locust workers to start here"
    )
    parser.add_argument(
        "--expect-workers",
        type=_few,
        default=0,
        metavar="N",
        help="number of workers on other machines",
    )
    parser.add_argument(
        "--master-bind-host",
        type=_one_address,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address where workers reach Locust's master and the servers (%(default)s)",
    )
    parser.add_argument(
        "--master-bind-port",
        type=_port,
        default=MASTER_PORT,
        metavar="PORT",
        help="port of Locust's master, with workers (%(default)s); 0 chooses one",
    )
    parser.set_defaults(command=_ui)


def _ui(options: argparse.Namespace, progress: Progress) -> int:
    locust = msgspec.convert(options, LocustOptions, from_attributes=True)
    ui(playground_of(options), locust, progress)
    return OK


_port = whole_number(0, 65535)
_few = whole_number(0, 100)


def _one_address(text: str) -> str:
    if text in {"*", "", "0.0.0.0", "::"}:
        raise argparse.ArgumentTypeError(
            "workers connect to this address: name one of this machine's, not all of them"
        )
    return text
