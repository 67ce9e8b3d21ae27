"""Counting API requests by key: from the client's series, the audit log's rows, the metric.

Keys are (verb, resource, subresource, code) of resource requests. Watches are
counted as watches *opened* between the marks, for only that is exact on all
three sides. The metric counts a watch when it ends, so opened = ended + growth
of the open ones (``apiserver_longrunning_requests``); of the audit rows, a watch
that was received before the begin mark and ended after it is not counted, one
still open (stage ResponseStarted) is. The client counts a watch when its
response begins.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from bench.analysis.counters import Difference, Series
from bench.model import TrialRecord

STARTED = "ResponseStarted"
"""Stage of an audit line of a request that goes on."""

METRIC_VERBS = {"POST": "create", "PUT": "update", "APPLY": "patch"}
"""Verbs of the metric whose name in the audit log is not just the lower case."""


class Key(NamedTuple):
    """What requests are counted by."""

    verb: str
    resource: str
    subresource: str
    code: int

    def __str__(self) -> str:
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {resource} {self.code}"


Count = Counter[Key]


def of_audit(rows: pd.DataFrame) -> Count:
    """Count audit rows of resource requests."""
    rows = rows[rows["resource"] != ""]
    columns = (rows[name].tolist() for name in Key._fields)
    return Counter(Key(*values) for values in zip(*columns, strict=True))


def of_client(counted: Difference) -> Count:
    """Count what a server said it sent."""
    return _counted((_labels(one.labels["verb"].lower(), one), one.value) for one in counted.series)


def of_metric(ended: Difference, still_open: Difference | None) -> Count:
    """Count ``apiserver_request_total``, with the growth of open watches if that is known."""
    rows = [
        (_labels(METRIC_VERBS.get(one.labels["verb"], one.labels["verb"].lower()), one), one.value)
        for one in ended.series
    ]
    for one in still_open.series if still_open else ():
        if one.labels.get("verb") == "WATCH":
            # A watch that was opened was answered 200, whatever events it carries later.
            resource, subresource = (
                one.labels.get("resource", ""),
                one.labels.get("subresource", ""),
            )
            rows.append((Key("watch", resource, subresource, 200), one.value))
    return _counted(rows)


def opened(audit: pd.DataFrame, record: TrialRecord) -> pd.DataFrame:
    """Drop the watches that were opened before the begin mark and merely ended after it.

    The line of a watch's start is behind the begin mark only if it was opened there.
    """
    begin_s = record.begin_mark_epoch_s or record.window_begin_epoch_s
    began = (audit["stage"] == STARTED) | (audit["received_us"] >= begin_s * 1e6)
    return audit[(audit["verb"] != "watch") | began]


def for_pods(count: Count, *verbs: str) -> int:
    """Return how many requests of ``verbs`` were for pods."""
    return sum(n for key, n in count.items() if key.resource == "pods" and key.verb in verbs)


def without_watches(count: Count) -> Count:
    """Leave the watches out."""
    return Counter({key: number for key, number in count.items() if key.verb != "watch"})


def _labels(verb: str, one: Series) -> Key:
    code = one.labels.get("code", "0")
    number = int(code) if code.isdigit() else 0
    return Key(verb, one.labels.get("resource", ""), one.labels.get("subresource", ""), number)


def _counted(rows: Iterable[tuple[Key, float]]) -> Count:
    count: Count = Counter()
    for key, value in rows:
        if key.resource:
            count[key] += round(value)
    return Counter({key: number for key, number in count.items() if number})
