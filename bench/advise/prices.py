"""What requests cost, and what an informer would cost instead, by the unit costs of a run.

A list of n objects costs what a read of the fitted model costs at n pods, weighed by the size of
the objects where that is known; an informer costs each event once a replica, and one list a
replica in ``LIFETIME_S``. Every price is a linear form of the unit costs, so that its interval
and that of the share saved (Fieller's) are theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from bench.advise.counts import Counts
from bench.advise.groups import Sums
from bench.advise.result import ASKS, STUMBLES, Client, Price, Verdict
from bench.analysis.cost_model import INFORMER, LIFETIME_S, CostModel, Question
from bench.stats import CONFIDENCE, Estimate
from bench.stats.least_squares import Floats

CPU, BYTES = "control_plane_cpu", "api_bytes"
FREE = (Verdict.LEASES, Verdict.LOOPBACK)
"""Not to be advised about, and not part of what is shared out."""


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """The fitted models of a run, by quantity: ``CPU`` and ``BYTES``, as far as there are."""

    run: str
    models: Mapping[str, CostModel]

    @property
    def pods(self) -> float:
        """Pods in a list of that run, at most."""
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
    """Return the clients with objects, events, prices and shares, the dearest first."""
    found = []
    for client in clients:
        objects, said = counts.of(client, sums)
        events = _events_per_s(client, sums, objects, counts)
        known = msgspec.structs.replace(
            client, objects=objects, objects_from=said, events_per_s=events
        )
        found.append(known if costs is None else _priced(known, counts, costs))
    whole = sum(one.cpu.now.value for one in found if one.cpu is not None)
    shared = (
        msgspec.structs.replace(one, share=one.cpu.now.value / whole)
        if one.cpu is not None and whole > 0
        else one
        for one in found
    )
    return tuple(
        sorted(
            shared, key=lambda one: (not one.pays, -one.saved_share, -(one.share or 0), -one.per_s)
        )
    )


def _events_per_s(client: Client, sums: Sums, objects: float, counts: Counts) -> float:
    """Return how often a second what ``client`` reads is written to, by the log's writes."""
    if not sums.covered_s:
        return 0.0
    of_resource = {
        namespace: count
        for (resource, namespace), count in sums.written.items()
        if resource == client.resource
    }
    writes = float(sum(of_resource.values()))
    if client.scope == "namespace" and of_resource:
        writes /= len(of_resource)
    if client.scope == "object":
        total = counts.objects.get(client.resource) or sums.named.get(client.resource, 0)
        writes *= min(1.0, client.targets / max(total, objects))
    return writes / sums.covered_s


def _priced(client: Client, counts: Counts, costs: UnitCosts) -> Client:
    if client.verdict in FREE or not client.per_s:
        return client
    each = counts.bytes_each.get(client.resource)
    size = each / costs.pod_bytes if each and costs.pod_bytes else 1.0
    prices = {quantity: _price(client, model, size) for quantity, model in costs.models.items()}
    found = msgspec.structs.replace(client, cpu=prices.get(CPU), bytes=prices.get(BYTES))
    cpu = found.cpu
    if client.verdict in ASKS and cpu is not None and cpu.saved is not None:
        rate = client.per_s * max(0.0, 1 - cpu.saved.value)
        found = msgspec.structs.replace(found, break_even_per_s=rate)
    return found


def _price(client: Client, model: CostModel, size: float) -> Price:
    now = _list_form(model, client.per_s, client.objects, size)
    instead = np.zeros_like(now)
    if client.verdict in ASKS:
        # each address holds a cache of all that its replica reads now
        held = client.objects * (client.targets if client.scope != "all" else 1)
        situation = Question(
            0.0, model.ranges.pods[1], client.events_per_s, client.addresses, float("inf")
        )
        instead = model.form(INFORMER, situation) * size
        instead += _list_form(model, client.addresses / LIFETIME_S, held, size)
    elif client.verdict in STUMBLES:
        once = client.per_s * min(1.0, client.addresses * client.targets / max(client.lists, 1))
        instead = _list_form(model, once, client.objects, size)
    else:
        instead = now
    # what it costs to open a watch is no unit cost
    priced_change = client.verdict in (*ASKS, *STUMBLES)
    saved = _saved(model, now, instead) if priced_change else None
    return Price(model.fit.estimate(now), model.fit.estimate(instead), saved)


def _list_form(model: CostModel, per_s: float, objects: float, size: float) -> Floats:
    """Return what lists of so many objects are of the unit costs.

    Where all lists of the run had as many pods, what a list costs is shared out over them.
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
