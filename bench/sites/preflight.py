"""Preflight: show the cluster of a context, check it, and ask for consent before a run.

Before consent nothing is written to the cluster; it is only asked for its version, the
person's user name and rights, and whether the namespace's name is free.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.cluster.existing.access import Access, open_access
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.namespace import is_handed_over, refuse_if_taken
from bench.cluster.existing.plane import Terms
from bench.cluster.existing.rights import (
    METRICS,
    OPTIONAL,
    STATUS,
    Right,
    missing_for_run,
    refuse_without,
)
from bench.model import Plan
from bench.plan import PlanError, predicted_minutes
from bench.probes.observers import observers
from bench.sites.existing import ExistingSite
from bench.sites.limits import Limits, exceeded, impossible, longest_s

NAME_BYTES = 4
"""Random bytes in the name of our namespace."""
AFTER_THE_END_S = 900
"""Time between the latest end of a run and the expiry of its namespace."""

Say = Callable[[str], None]
Agree = Callable[[str], bool]
"""Asks the person a question; returns ``False`` for no."""


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """Site as the person named it; ``namespace`` is ``None`` for a random name.

    ``kubeconfig`` is ``None`` for the files that kubectl reads.
    """

    context: str
    kubeconfig: str | None
    namespace: str | None = None
    audit_log: Path | None = None
    limits: Limits = field(default_factory=Limits)


def open_site(request: SiteRequest, plan: Plan, *, agree: Agree, say: Say) -> ExistingSite:
    """Return the site once the person has agreed.

    Raises ``PlanError`` for a plan that exceeds the limits, ``ClusterError`` for an unusable
    cluster, or if the person does not agree.
    """
    _check_plan(plan, request.limits)
    access = open_access(request.kubeconfig, request.context)
    say(f"Existing cluster: context {request.context!r}, API server {access.server}")
    version, user = access.version(), access.user()
    random_part = os.urandom(NAME_BYTES).hex()
    name = request.namespace or f"informer-bench-{random_part}"
    handed_over = is_handed_over(access.api, name)
    lacking = _check_rights(access, name, user, say, is_handed_over=handed_over)
    refuse_if_taken(access.api, name)
    if request.audit_log is not None and not os.access(request.audit_log, os.R_OK):
        raise ClusterError(f"the audit log {request.audit_log} cannot be read (--audit-log)")
    say(f"  there      Kubernetes {version}; your user name: {user or 'not reported'}")
    say(_plan_summary(plan, name, request.limits, is_handed_over=handed_over))
    if not agree(f"Run the plan on {access.server}?"):
        raise ClusterError("nothing was done: not agreed to")
    end_s = longest_s(plan, request.limits)
    targets = {right.target for right in lacking}
    terms = Terms(
        namespace=name,
        run=f"{int(time.time())}-{random_part}",
        expires_epoch_s=int(time.time() + end_s + AFTER_THE_END_S),
        deadline=None if request.limits.minutes is None else time.monotonic() + end_s,
        writes_per_s=request.limits.rps,
        writes_status=STATUS not in targets,
        reads_metrics=METRICS not in targets,
        audit_log=request.audit_log,
        private_words=_private_words(access, user),
        user=user,
        is_handed_over=handed_over,
    )
    return ExistingSite(access, terms, version, say)


def _check_plan(plan: Plan, limits: Limits) -> None:
    problems = impossible(plan) + exceeded(plan, limits)
    if problems:
        listed = "\n  ".join(problems)
        raise PlanError(
            f"the plan {plan.name!r} is not for an existing cluster:\n  {listed}\n"
            "namespaced is a plan that fits; --uncapped lifts every cap"
        )


def _check_rights(
    access: Access, namespace: str, user: str | None, say: Say, *, is_handed_over: bool
) -> Sequence[Right]:
    """Return the optional rights that are missing; raise ``ClusterError`` for the others."""
    lacking = missing_for_run(access.api, namespace, is_handed_over=is_handed_over)
    refuse_without(lacking, access.context, user, namespace if is_handed_over else None)
    for target in dict.fromkeys(right.target for right in lacking):
        say(f"  without  {target}: {OPTIONAL[target]}")
    return lacking


def _plan_summary(plan: Plan, namespace: str, limits: Limits, *, is_handed_over: bool) -> str:
    pods = max(scenario.pods for scenario in plan.scenarios)
    rates = [scenario.rate_rps for scenario in plan.scenarios if scenario.has_load]
    reads = "reads as fast as they are answered"
    if None not in rates:
        reads = f"at most {max(filter(None, rates), default=0.0):g} reads/s"
    churn = max(scenario.churn_per_s for scenario in plan.scenarios)
    observed = ""
    if any(scenario.probe for scenario in plan.scenarios):
        requests = " and ".join(observer.requests for observer in observers().values())
        observed = f"; also {requests}"
    end = "" if limits.minutes is None else f", ended after {limits.minutes:g} at the latest"
    fate = "made for this run and removed after it"
    if is_handed_over:
        fate = "handed over and kept; the run removes what it makes in it"
    return (
        f"  namespace  {namespace}, {fate}; nothing else is read or written\n"
        f"  pods       {pods}, never scheduled and never run\n"
        f"  requests   {reads}, {churn:g} writes/s{observed}\n"
        f"  time       about {predicted_minutes(plan)} min{end}"
    )


def _private_words(access: Access, user: str | None) -> tuple[str, ...]:
    address = urlsplit(access.server)
    names = (access.context, address.netloc, address.hostname, user, access.config.server_name)
    return tuple(name for name in names if name)
