"""Turn audit logs into advice."""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.advise.counts import Counts
from bench.advise.formats import READ_VERBS, WATCH, Reader
from bench.advise.groups import Sums, sum_up
from bench.advise.prices import BYTES, CPU, UnitCosts, priced
from bench.advise.result import Advice, Client, Log
from bench.advise.sources import LONGEST, SourceError, Sources
from bench.advise.verdicts import clients
from bench.analysis.result import RunAnalysis

BUILT_IN = ("apps", "batch", "autoscaling", "policy", "extensions")
"""API groups whose resources do not identify a cluster, as those of ``.k8s.io`` and a resource
without group."""
UNREADABLE = (".authentication.k8s.io", ".authorization.k8s.io")
"""Groups whose resources can only be created."""
EVENTS = ("events", "events.events.k8s.io")
COMPONENTS = frozenset(
    f"system:{name}"
    for name in (
        *("anonymous", "unsecured", "apiserver", "aggregator", "node:*", "kube-scheduler"),
        *("kube-controller-manager", "cloud-controller-manager", "kube-proxy", "masters", "admin"),
        *("konnectivity-server", "node-problem-detector", "addon-manager"),
    )
)
"""Users that every cluster may have; other names may identify a cluster, or a token."""


def sum_log(sources: Sources, tick: Callable[[], None]) -> tuple[Sums, Log]:
    """Read the logs once, and call ``tick`` from time to time.

    Raises ``SourceError`` if nothing in them is an audit log.
    """
    reader = Reader()
    sums = sum_up(reader.requests(sources.records()), tick)
    if not reader.formats:
        names = ", ".join(str(path or "standard input") for path in sources.paths)
        if not reader.unknown:
            raise SourceError(f"{names}: {_nothing(sources)}")
        raise SourceError(
            f"{names}: none of {reader.unknown:,} records is from an audit log; the first begins: "
            f"{_example(reader)}. Known formats: kube-apiserver's JSON lines and webhook "
            "(audit.k8s.io/v1), EKS from CloudWatch, GKE's LogEntry, AKS' diagnostic records, "
            "OpenShift's must-gather"
        )
    reads = sum(sums.verbs.get(verb, 0) for verb in READ_VERBS)
    dropping = reader.without_reads.most_common(1)
    drops = dropping[0][0] if dropping and not sums.verbs.get("list") else ""
    return sums, Log(
        records=dict(reader.formats),
        unknown=reader.unknown,
        unknown_example=_example(reader),
        too_long=sources.too_long,
        cut_short=tuple(sources.cut_short),
        drops_reads=drops or ("" if reads > sums.verbs.get(WATCH, 0) else "verbs"),
        unread=_unread(sums),
        covered_s=sums.covered_s,
        begins_s=sums.begins,
        ends_s=sums.ends,
        requests=sum(sums.verbs.values()),
        reads=reads,
    )


def _nothing(sources: Sources) -> str:
    if sources.too_long:
        return f"each of its {sources.too_long:,} lines is longer than {LONGEST >> 20} MB"
    if sources.cut_short:
        return f"cut short before its first record: {', '.join(sources.cut_short)}"
    return "empty: there is no record in it"


def _unread(sums: Sums) -> tuple[str, ...]:
    """Return resources that lines write and none reads, of those that programs read."""
    written = {resource for resource, _ in sums.written}
    read = {row["resource"] for row in sums.clients}
    return tuple(
        sorted(
            resource
            for resource in written - read
            if resource and not resource.endswith(UNREADABLE) and resource not in EVENTS
        )
    )


def _example(reader: Reader) -> str:
    return repr(reader.example[:60].decode(errors="replace"))


def unit_costs(run: RunAnalysis) -> UnitCosts:
    """Return the unit costs of reads and events that a run has measured."""
    models = {model.quantity: model for model in run.cost_models if model.quantity in (CPU, BYTES)}
    return UnitCosts(run.run, models)


def advise(
    sums: Sums, log: Log, counts: Counts, costs: UnitCosts | None, unpriced: str = ""
) -> Advice:
    """Judge and price the clients of a log."""
    return Advice(
        log=log,
        unit_costs=costs.run if costs else "",
        unpriced=unpriced,
        pods=costs.pods if costs else 0.0,
        pod_bytes=costs.pod_bytes if costs else 0.0,
        clients=priced(clients(sums), sums, counts, costs),
    )


def is_known(resource: str) -> bool:
    """Return whether Kubernetes itself defines ``resource``, which ``anonymous`` then keeps."""
    group = resource.partition(".")[2]
    return not group or group in BUILT_IN or group.endswith(".k8s.io")


def anonymous(advice: Advice, key: str) -> Advice:
    """Return the advice with codes for names that identify the cluster.

    The same ``key`` gives the same codes; without it, nobody can turn them into names.
    """

    def code(kind: str, name: str) -> str:
        digest = hmac.digest(key.encode(), f"{kind} {name}".encode(), hashlib.sha256)
        return f"{kind}-{digest.hex()[:8]}"

    def of_resource(resource: str) -> str:
        return resource if is_known(resource) else code("resource", resource)

    def coded(client: Client) -> Client:
        user = client.user if client.user in COMPONENTS else code("client", client.user)
        agent = code("agent", client.agent) if client.agent else ""
        return msgspec.structs.replace(
            client, user=user, agent=agent, resource=of_resource(client.resource)
        )

    log = msgspec.structs.replace(
        advice.log,
        unknown_example="",
        unread=tuple(map(of_resource, advice.log.unread)),
        cut_short=tuple(f"file {index + 1}" for index in range(len(advice.log.cut_short))),
    )
    return msgspec.structs.replace(
        advice, anonymous=True, log=log, clients=tuple(coded(client) for client in advice.clients)
    )


def default_unit_costs() -> Path:
    """Return the folder of the run whose unit costs are the default."""
    return Path(__file__).parents[2] / "results" / "sweep"
