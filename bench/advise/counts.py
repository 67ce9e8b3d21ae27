"""How many objects a list returns, and how large they are: told, or out of the log itself."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.advise.groups import Sums
from bench.advise.result import Client

ASSUMED = 100.0
"""Objects of a resource of which nothing is known."""
JSON_PER_STORED = 1.46
"""JSON bytes of a pod for each byte that is stored of it (1,000 pods: 5.81 and 3.97 MB)."""
COMMAND = "kubectl get --raw /metrics | grep -E '^apiserver_(resource|storage)_' > counts.txt"
"""What collects them."""
_METRIC = re.compile(
    r"apiserver_(?P<what>resource_objects|storage_objects|resource_size_estimate_bytes)"
    r"\{(?P<labels>[^}]*)\}\s+(?P<value>\S+)"
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_LINE = re.compile(r"(?P<resource>[a-z][\w.-]*)\s+(?P<count>\d+)(?:\s+(?P<bytes>\d+))?")


class CountsError(Exception):
    """A file of counts that says nothing; the text names it and what a line looks like."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Resource -> objects, and bytes of one of them where that is known."""

    objects: Mapping[str, float] = field(default_factory=dict)
    bytes_each: Mapping[str, float] = field(default_factory=dict)

    def of(self, client: Client, sums: Sums) -> tuple[float, str]:
        """Return how many objects a read of ``client`` returns, and what says so."""
        if client.scope == "object":
            return 1.0, "names"
        total, said = self._total(client, sums)
        if client.scope == "namespace":
            held = {
                namespace for resource, namespace in sums.written if resource == client.resource
            }
            known = max(self.objects.get("namespaces", 0.0), len(held), client.namespaces, 1.0)
            return max(1.0, total / known), said
        # selectors are taken to share the objects out among them, as those of nodes do
        return total / (client.targets if client.selected else 1), said

    def _total(self, client: Client, sums: Sums) -> tuple[float, str]:
        if client.resource in self.objects:
            return self.objects[client.resource], "counts"
        pages = sums.paged.get(client.resource)
        if pages:
            return pages, "pages"
        named = float(sums.named.get(client.resource, 0))
        return (named, "names") if named > 1 else (ASSUMED, "assumed")


def read_counts(path: Path) -> Counts:
    """Read counts: metrics of an API server, or lines of a resource, its count and bytes each.

    Raises ``CountsError``.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CountsError(f"cannot read {path}: {error.strerror or error}") from error
    found: dict[str, dict[str, float]] = {"objects": {}, "bytes": {}}
    for place, line in enumerate(text.splitlines(), 1):
        if (metric := _METRIC.match(line)) is not None:
            labels = dict(_LABEL.findall(metric["labels"]))
            group = labels.get("group", "")
            resource = labels.get("resource", "") + (f".{group}" if group else "")
            kind = "bytes" if metric["what"].endswith("bytes") else "objects"
            value = max(0.0, _number(metric["value"], f"{path}:{place}"))
            found[kind][resource] = value * JSON_PER_STORED if kind == "bytes" else value
        elif (plain := _LINE.fullmatch(line.strip())) is not None:
            found["objects"][plain["resource"]] = float(plain["count"])
            if plain["bytes"]:
                count = float(plain["count"])
                found["bytes"][plain["resource"]] = count * float(plain["bytes"])
    objects = found["objects"]
    if not objects:
        raise CountsError(
            f"{path} names no count: a line is `pods 1200`, `deployments.apps 80 3000` (with bytes "
            f"of one), or a metric of the API server. This collects them: {COMMAND}"
        )
    each = {
        resource: total / objects[resource]
        for resource, total in found["bytes"].items()
        if total and objects.get(resource)
    }
    return Counts(objects, each)


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CountsError(f"{place}: {text!r} is no number of objects or bytes")
    return value
