"""``bench advise``: find the clients that poll an API server, in its audit log."""

import argparse
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.advise.sources import SourceError, Sources, find
from bench.cli.arguments import add_folders, add_language
from bench.cli.exits import OK, USAGE
from bench.store import Store, StoreError
from bench.supervision.progress import Progress

if TYPE_CHECKING:
    from bench.advise.prices import UnitCosts

EPILOG = """\
Reads each log once, from files alone, in constant memory. Does not keep names of objects,
addresses, or other fields of an event that the result does not show.

examples:
  python -m bench advise /var/log/kubernetes/audit.log
  python -m bench advise must-gather.local.123/ --counts counts.txt
  gcloud logging read 'protoPayload.serviceName="k8s.io"' --format=json | python -m bench advise -
  python -m bench advise audit.log.gz --anonymous
  python -m bench gate reports/advise/advice.json --rules budgets.toml

It writes advice.html, .md, .json and clients.csv into reports/advise/.
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "audit",
        nargs="+",
        metavar="AUDIT",
        help="audit logs: files, .gz too, folders, or - for standard input. Formats: "
        "kube-apiserver's JSON lines and webhook batches, EKS (CloudWatch), GKE (LogEntry), AKS "
        "(diagnostic records), OpenShift (must-gather)",
    )
    parser.add_argument(
        "--counts",
        "--metrics",
        type=Path,
        metavar="FILE",
        help="number of objects: metrics of the API server (kubectl get --raw /metrics), "
        "or lines of a resource and its count; left out: as the log shows",
    )
    parser.add_argument(
        "--unit-costs",
        metavar="RUN",
        help="run, or its summary.json, whose cost model gives the prices (left out: the project's "
        "own)",
    )
    parser.add_argument(
        "--anonymous",
        action="store_true",
        help="replace names by codes, so that the result can be shared",
    )
    parser.add_argument(
        "--key", help="with --anonymous: the same key gives the same codes again (default: random)"
    )
    add_folders(parser)
    add_language(parser)
    parser.set_defaults(command=_advise)


def _advise(options: argparse.Namespace, progress: Progress) -> int:
    # here, because DuckDB and pandas take a moment that other commands need not wait for
    from bench.advise.advise import advise, anonymous, sum_log
    from bench.advise.counts import Counts, CountsError, read_counts
    from bench.advise.document import advice_document, clients_csv
    from bench.advise.result import to_json
    from bench.analysis.summary_file import SummaryError
    from bench.report.output import publish, write_bytes

    if options.key and not options.anonymous:
        progress.say("error: --key goes with --anonymous")
        return USAGE
    try:
        sources = find(options.audit)
        counts = read_counts(options.counts) if options.counts else Counts()
        price = _unit_costs(options)
        sums, log = sum_log(sources, _reading(sources, progress))
        costs, unpriced = price()
    except (SourceError, CountsError, StoreError, SummaryError) as error:
        progress.say(f"error: {error}")
        return USAGE
    progress.settle()
    advice = advise(sums, log, counts, costs, unpriced)
    if options.anonymous:
        advice = anonymous(advice, options.key or secrets.token_hex())
    folder = options.reports / "advise"
    written = publish(advice_document(advice), folder, "advice", options.lang)
    data = (
        write_bytes(folder / "clients.csv", clients_csv(advice)),
        write_bytes(folder / "advice.json", to_json(advice)),
    )
    progress.say(f"advice: {', '.join(str(path) for path in (*written, *data))}")
    return OK


def _unit_costs(options: argparse.Namespace) -> "Callable[[], tuple[UnitCosts | None, str]]":
    """Return a function that loads the unit costs, or the reason why there are none.

    Raises ``StoreError`` at once for a wrong name.
    """
    from bench.advise.advise import default_unit_costs, unit_costs
    from bench.analysis.summary_file import load_summary

    store, run = Store(options.results), options.unit_costs or str(default_unit_costs())
    if options.unit_costs is None and not Path(run).is_dir():
        return lambda: (None, f"there is no run {Path(run).name}, name one by --unit-costs")
    if not run.endswith(".json"):
        store.open(run)

    def load() -> "tuple[UnitCosts | None, str]":
        analysis = load_summary(store, run)
        costs = unit_costs(analysis)
        if costs.models:
            return costs, ""
        return None, "; ".join(f"{model.title}: {model.why}" for model in analysis.unfitted)

    return load


def _reading(sources: Sources, progress: Progress) -> Callable[[], None]:
    total = sources.total

    def tick() -> None:
        done = sources.bytes_read / total if total else 0.0
        progress.move("reading the log", min(done, 1.0), f"{sources.bytes_read / 1e6:,.0f} MB")

    return tick
