"""From a context's name to a site: say where it leads, look, ask, and only then go on.

Until the person has agreed nothing is written to the cluster: a version, who one is there,
what one may do, and whether the namespace's name is free, are all that is asked.
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
from bench.plan import PlanError, predicted_s
from bench.probes.observers import observers
from bench.sites.existing import ExistingSite
from bench.sites.limits import Limits, exceeded, impossible

NAME_BYTES = 4
"""Random ones in the name of a namespace of ours."""
AFTER_THE_END_S = 900
"""How long a namespace may outlast its run's longest time, before anybody may remove it."""
SLOWER = 2.0
"""Factor on the predicted time where no cap bounds a run: a plan may take longer than told."""

Say = Callable[[str], None]
Agree = Callable[[str], bool]
"""Asks the person; ``False`` is no."""


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """What the person named; ``namespace`` is ``None`` for one that is drawn.

    ``kubeconfig`` is ``None`` for the files that kubectl reads.
    """

    context: str
    kubeconfig: str | None
    namespace: str | None = None
    audit_log: Path | None = None
    limits: Limits = field(default_factory=Limits)


def open_site(request: SiteRequest, plan: Plan, *, agree: Agree, say: Say) -> ExistingSite:
    """Return the site once the person has agreed.

    Raises ``PlanError`` for a plan that exceeds the limits, ``ClusterError`` for a cluster
    that cannot be used, or if the person does not agree.
    """
    _check_plan(plan, request.limits)
    access = open_access(request.kubeconfig, request.context)
    say(f"Existing cluster: context {request.context!r}, API server {access.server}")
    version, user = access.version(), access.user()
    drawn = os.urandom(NAME_BYTES).hex()
    name = request.namespace or f"informer-bench-{drawn}"
    handed_over = is_handed_over(access.api, name)
    lacking = _check_rights(access, name, user, say, is_handed_over=handed_over)
    refuse_if_taken(access.api, name)
    if request.audit_log is not None and not os.access(request.audit_log, os.R_OK):
        raise ClusterError(f"the audit log {request.audit_log} cannot be read (--audit-log)")
    say(f"  there      Kubernetes {version}; you are {user or 'not told who you are'}")
    say(_what_happens(plan, name, request.limits, is_handed_over=handed_over))
    if not agree(f"Run the plan on {access.server}?"):
        raise ClusterError("nothing was done: not agreed to")
    begin = time.monotonic()
    longest_s = SLOWER * predicted_s(plan)
    if request.limits.minutes is not None:
        longest_s = request.limits.minutes * 60
    targets = {right.target for right in lacking}
    terms = Terms(
        namespace=name,
        run=f"{int(time.time())}-{drawn}",
        expires_epoch_s=int(time.time() + longest_s + AFTER_THE_END_S),
        deadline=None if request.limits.minutes is None else begin + longest_s,
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
    found = impossible(plan) + exceeded(plan, limits)
    if found:
        listed = "\n  ".join(found)
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


def _what_happens(plan: Plan, namespace: str, limits: Limits, *, is_handed_over: bool) -> str:
    pods = max(scenario.pods for scenario in plan.scenarios)
    rates = [scenario.rate_rps for scenario in plan.scenarios]
    reads = "reads as fast as they are answered"
    if None not in rates:
        reads = f"at most {max(rate for rate in rates if rate is not None):g} reads/s"
    churn = max(scenario.churn_per_s for scenario in plan.scenarios)
    beside = ""
    if any(scenario.probe for scenario in plan.scenarios):
        requests = " and ".join(observer.requests for observer in observers().values())
        beside = f"; beside them {requests}"
    end = "" if limits.minutes is None else f", ended after {limits.minutes:g} at the latest"
    fate = "made for this run and removed after it"
    if is_handed_over:
        fate = "handed over, which stays; what the run makes in it is removed"
    return (
        f"  namespace  {namespace}, {fate}; nothing else is read or written\n"
        f"  pods       {pods}, never scheduled and never run\n"
        f"  asked      {reads}, {churn:g} writes/s{beside}\n"
        f"  time       about {max(1, round(predicted_s(plan) / 60))} min{end}"
    )


def _private_words(access: Access, user: str | None) -> tuple[str, ...]:
    address = urlsplit(access.server)
    words = (access.context, address.netloc, address.hostname, user, access.config.server_name)
    return tuple(word for word in words if word)
