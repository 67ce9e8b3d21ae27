"""Arguments and questions of the verbs that use an existing cluster."""

import argparse
import sys
from pathlib import Path

from bench.cli.arguments import number, pod_count
from bench.cluster.existing.access import contexts
from bench.cluster.existing.errors import ClusterError
from bench.model import Plan
from bench.plan import PlanError
from bench.sites.existing import ExistingSite
from bench.sites.limits import UNLIMITED, Limits
from bench.sites.preflight import SiteRequest, open_site
from bench.supervision.progress import Progress

ALONE = ("kubeconfig", "namespace", "audit_log", "yes", "uncapped", "max_rps", "max_pods")
"""Options that need ``--context``."""


def add_context(parser: argparse.ArgumentParser, *, asks: bool = True) -> None:
    """Add ``--context`` and ``--kubeconfig``, and ``--yes`` if the verb asks for consent."""
    parser.add_argument(
        "--context",
        nargs="?",
        const="",
        metavar="NAME",
        help="on the cluster of this context: always named, never the current one; without NAME "
        "all contexts are listed",
    )
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        help="file with the context (default: $KUBECONFIG, or ~/.kube/config)",
    )
    if asks:
        parser.add_argument("--yes", action="store_true", help="do not ask; for scripts")


def add_existing(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run on an existing cluster."""
    group = parser.add_argument_group(
        "on an existing cluster",
        "The run creates a namespace, uses only that, and removes it, also after Ctrl-C; or it "
        "uses one that an admin handed over. After a kill: python -m bench clean --context NAME. "
        "The required rights: bench/cluster/manifests/existing-cluster-rbac.yaml",
    )
    add_context(group)  # type: ignore[arg-type]  # a group adds arguments as a parser does
    group.add_argument(
        "--namespace",
        metavar="N",
        help="namespace to create, or one that an admin handed over, which stays; results show "
        "its name (default: a random name)",
    )
    group.add_argument(
        "--audit-log",
        type=Path,
        metavar="FILE",
        help="the API server's audit log, if this machine can read it: the second ledger",
    )
    usual = Limits()
    group.add_argument(
        "--max-rps",
        type=number(0.01, 1e6),
        metavar="R",
        help="requests per second that a scenario may send, including its observers' "
        f"({usual.rps:g})",
    )
    group.add_argument(
        "--max-pods", type=pod_count, metavar="P", help=f"most pods of a plan ({usual.pods})"
    )
    group.add_argument(
        "--max-minutes",
        type=number(0.01, 1e6),
        metavar="M",
        help=f"minutes after which a run is ended ({usual.minutes:g})",
    )
    group.add_argument("--uncapped", action="store_true", help="lift these limits")


def site_of(options: argparse.Namespace, plan: Plan, progress: Progress) -> ExistingSite | None:
    """Return the existing cluster of the options, after consent; ``None`` without ``--context``.

    Raises ``PlanError`` for options that exclude each other or a plan that exceeds the limits,
    ``ClusterError`` for a cluster that cannot be used.
    """
    if options.context is None:
        if names := [name for name in (*ALONE, "max_minutes") if getattr(options, name)]:
            flag = f"--{names[0].replace('_', '-')}"
            raise PlanError(
                f"{flag} goes with --context NAME: an existing cluster is always named, never the "
                f"current one; {_there_are(options.kubeconfig)}"
            )
        return None
    kubeconfig, context = named_context(options)
    if options.kubernetes:
        raise PlanError(
            "--kubernetes chooses the version of a control plane of our own; the cluster of "
            f"--context {context} has a version already: leave out one of the two"
        )
    request = SiteRequest(
        context, kubeconfig, options.namespace, options.audit_log, _limits(options)
    )
    return open_site(
        request,
        plan,
        agree=lambda question: agreed(question, options, progress),
        say=progress.say,
    )


def named_context(options: argparse.Namespace) -> tuple[str | None, str]:
    """Return kubeconfig and context; raise ``PlanError`` with all contexts if none is named."""
    if not options.context:
        raise PlanError(f"name the cluster with --context NAME; {_there_are(options.kubeconfig)}")
    return options.kubeconfig, options.context


def agreed(question: str, options: argparse.Namespace, progress: Progress) -> bool:
    """Ask on a terminal; elsewhere require ``--yes``, else raise ``ClusterError``."""
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise ClusterError(
            "nothing was done: there is no terminal to ask on, and no --yes was given"
        )
    return progress.ask(question)


def _there_are(kubeconfig: str | None) -> str:
    try:
        return contexts(kubeconfig)
    except ClusterError as error:
        return str(error)


def _limits(options: argparse.Namespace) -> Limits:
    base = UNLIMITED if options.uncapped else Limits()
    return Limits(
        rps=options.max_rps or base.rps,
        pods=options.max_pods or base.pods,
        minutes=options.max_minutes or base.minutes,
    )
