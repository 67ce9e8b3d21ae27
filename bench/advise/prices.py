"""Costs of requests, and of an informer in their place, by the unit costs of a run.

A list of n objects costs as much as a read of the fitted model at n pods, weighted by the size of
the objects if known; an informer costs each event once for each replica, and one list for each
replica in ``LIFETIME_S``. Every price is a linear form of the unit costs, which give its interval
and that of the saved share (Fieller's).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from bench.advise.counts import Counts
from bench.advise.groups import Sums
from bench.advise.result import ASKS, STUMBLES, Client, Price, Verdict, Why
from bench.analysis.cost_model import INFORMER, LIFETIME_S, CostModel, Question
from bench.stats import CONFIDENCE, Estimate
from bench.stats.least_squares import Floats

CPU, BYTES = "control_plane_cpu", "api_bytes"
FREE = (Verdict.LEASES, Verdict.LOOPBACK)
"""Clients without advice, whose costs have no share."""


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """The fitted models of a run by quantity: ``CPU`` and ``BYTES``, if the run has them."""

    run: str
    models: Mapping[str, CostModel]

    @property
    def pods(self) -> float:
        """Most pods in a list of that run."""
        return next((model.ranges.pods[1] for model in self.models.values()), 0.0)

    @property
    def pod_bytes(self) -> float:
        """Bytes of a pod in a list."""
        model = self.models.get(BYTES)
        if model is None:
            return 0.0
        return model.fit.value(_list_form(model, 1.0, self.pods, 1.0)) / self.pods


def priced(
    clients: Sequence[Client], sums: Sums, counts: Counts, costs: UnitCosts | None
) -> tuple[Client, ...]:
    """Return the clients with objects, events, prices and shares, the most expensive first."""
    rows = []
    for client in clients:
        objects, source = counts.objects_read(client, sums)
        events = _events_per_s(client, sums, objects, counts)
        counted = msgspec.structs.replace(
            client, objects=objects, objects_from=source, events_per_s=events
        )
        rows.append(counted if costs is None else _priced(counted, counts, costs))
    whole = sum(row.cpu.now.value for row in rows if row.cpu is not None)
    shared = (
        msgspec.structs.replace(row, share=row.cpu.now.value / whole)
        if row.cpu is not None and whole > 0
        else row
        for row in rows
    )
    return tuple(
        sorted(
            shared, key=lambda row: (not row.pays, -row.saved_share, -(row.share or 0), -row.per_s)
        )
    )


def _events_per_s(client: Client, sums: Sums, objects: float, counts: Counts) -> float:
    """Return the writes per second to the objects that ``client`` reads, by the log."""
    if not sums.covered_s:
        return 0.0
    of_resource = {
        namespace: count
        for (resource, namespace), count in sums.written.items()
        if resource == client.resource
    }
    writes = float(sum(of_resource.values()))
    if client.scope == "namespace" and of_resource:
        writes *= min(1.0, client.namespaces / len(of_resource))
    if client.scope == "object":
        total = counts.objects.get(client.resource) or sums.named.get(client.resource, 0)
        writes *= min(1.0, client.targets / max(total, objects))
    return writes / sums.covered_s


def _priced(client: Client, counts: Counts, costs: UnitCosts) -> Client:
    if client.verdict in FREE or client.why is Why.NO_WATCH or not client.per_s:
        return client
    size_each = counts.bytes_each.get(client.resource)
    size = size_each / costs.pod_bytes if size_each and costs.pod_bytes else 1.0
    prices = {quantity: _price(client, model, size) for quantity, model in costs.models.items()}
    priced_client = msgspec.structs.replace(client, cpu=prices.get(CPU), bytes=prices.get(BYTES))
    cpu = priced_client.cpu
    if client.verdict in ASKS and cpu is not None and cpu.saved is not None:
        rate = client.per_s * max(0.0, 1 - cpu.saved.value)
        priced_client = msgspec.structs.replace(priced_client, break_even_per_s=rate)
    return priced_client


def _price(client: Client, model: CostModel, size: float) -> Price:
    now = _list_form(model, client.per_s, client.objects, size)
    instead = np.zeros_like(now)
    if client.verdict in ASKS:
        # each address then caches all that its replica reads now
        cached = client.objects * (client.targets if client.scope != "all" else 1)
        situation = Question(
            0.0, model.ranges.pods[1], client.events_per_s, client.addresses, float("inf")
        )
        instead = model.form(INFORMER, situation) * size
        instead += _list_form(model, client.addresses / LIFETIME_S, cached, size)
    elif client.verdict in STUMBLES:
        once = client.per_s * min(1.0, client.addresses * client.targets / max(client.lists, 1))
        instead = _list_form(model, once, client.objects, size)
    else:
        instead = now
    # opening a watch has no unit cost
    priced_change = client.verdict in (*ASKS, *STUMBLES)
    saved = _saved(model, now, instead) if priced_change else None
    return Price(model.fit.estimate(now), model.fit.estimate(instead), saved)


def _list_form(model: CostModel, per_s: float, objects: float, size: float) -> Floats:
    """Return the linear form of lists of ``objects`` objects in the unit costs.

    If all lists of the run had the same number of pods, the cost of a list is divided by it.
    """
    reader = model.readers[0]
    if model.knows_pods:
        return model.form(reader, Question(per_s, objects * size, 0.0, 0.0))
    pods = model.ranges.pods[1]
    return model.form(reader, Question(per_s * objects * size / pods, pods, 0.0, 0.0))


def _saved(model: CostModel, now: Floats, instead: Floats) -> Estimate | None:
    value, low, high = model.ratio(instead, now, CONFIDENCE)
    if value is None:
        return None
    return Estimate(1 - value, None if high is None else 1 - high, None if low is None else 1 - low)
