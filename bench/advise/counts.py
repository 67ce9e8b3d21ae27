"""Number and size of the objects that a list returns: from a file of counts, or from the log."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.advise.groups import Sums
from bench.advise.result import Client

ASSUMED = 100.0
"""Objects of a resource without any count."""
JSON_PER_STORED = 1.46
"""JSON bytes of a pod for each stored byte of it (1,000 pods: 5.81 and 3.97 MB)."""
COMMAND = "kubectl get --raw /metrics | grep -E '^apiserver_(resource|storage)_' > counts.txt"
"""Collects a file of counts."""
_METRIC = re.compile(
    r"apiserver_(?P<what>resource_objects|storage_objects|resource_size_estimate_bytes)"
    r"\{(?P<labels>[^}]*)\}\s+(?P<value>\S+)"
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_LINE = re.compile(r"(?P<resource>[a-z][\w.-]*)\s+(?P<count>\d+)(?:\s+(?P<bytes>\d+))?")


class CountsError(Exception):
    """Raised for a file without counts; the message names it and the format of a line."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Resource -> objects, and bytes of one of them if known."""

    objects: Mapping[str, float] = field(default_factory=dict)
    bytes_each: Mapping[str, float] = field(default_factory=dict)

    def objects_read(self, client: Client, sums: Sums) -> tuple[float, str]:
        """Return how many objects a read of ``client`` returns, and the source of that number."""
        if client.scope == "object":
            return 1.0, "names"
        total, source = self._total(client, sums)
        if client.scope == "namespace":
            namespaces = {
                namespace for resource, namespace in sums.written if resource == client.resource
            }
            counted = self.objects.get("namespaces", 0.0)
            known = max(counted, len(namespaces), client.namespaces, 1.0)
            return max(1.0, total / known), source
        # assumed: selectors divide the objects among them, as those of nodes do
        return total / (client.targets if client.selected else 1), source

    def _total(self, client: Client, sums: Sums) -> tuple[float, str]:
        if client.resource in self.objects:
            return self.objects[client.resource], "counts"
        pages = sums.paged.get(client.resource)
        if pages:
            return pages, "pages"
        named = float(sums.named.get(client.resource, 0))
        return (named, "names") if named > 1 else (ASSUMED, "assumed")


def read_counts(path: Path) -> Counts:
    """Read counts: metrics of an API server, or lines of resource, count and bytes of one object.

    Raises ``CountsError``.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CountsError(f"cannot read {path}: {error.strerror or error}") from error
    totals: dict[str, dict[str, float]] = {"objects": {}, "bytes": {}}
    for number, line in enumerate(text.splitlines(), 1):
        if (metric := _METRIC.match(line)) is not None:
            labels = dict(_LABEL.findall(metric["labels"]))
            group = labels.get("group", "")
            resource = labels.get("resource", "") + (f".{group}" if group else "")
            kind = "bytes" if metric["what"].endswith("bytes") else "objects"
            value = max(0.0, _number(metric["value"], f"{path}:{number}"))
            totals[kind][resource] = value * JSON_PER_STORED if kind == "bytes" else value
        elif (plain := _LINE.fullmatch(line.strip())) is not None:
            totals["objects"][plain["resource"]] = float(plain["count"])
            if plain["bytes"]:
                count = float(plain["count"])
                totals["bytes"][plain["resource"]] = count * float(plain["bytes"])
    objects = totals["objects"]
    if not objects:
        raise CountsError(
            f"{path} names no count: a line is `pods 1200`, `deployments.apps 80 3000` (with bytes "
            f"of one), or a metric of the API server. Collect counts with: {COMMAND}"
        )
    bytes_each = {
        resource: total / objects[resource]
        for resource, total in totals["bytes"].items()
        if total and objects.get(resource)
    }
    return Counts(objects, bytes_each)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CountsError(f"{where}: {text!r} is not a number of objects or bytes")
    return value
