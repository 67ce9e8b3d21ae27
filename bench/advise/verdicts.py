"""The verdict on a client: its behaviour towards one resource. Pure."""

from bench.advise.groups import Row, Sums
from bench.advise.result import Client, Verdict, Why

AGAIN = 5
"""Fewest repeated reads that are no accident."""
EACH = 3
"""Fewest reads of a target, on average, that count as reading it again and again."""
REFUSED = 0.5
"""Share of failed requests from which the failure matters most."""
LOCKED = 0.5
"""Writes per get from which gets serve the writes: a lock, or read-modify-write."""
RELISTED = 0.5
"""Lists per watch from which each watch comes with a list; a healthy informer lists once."""
POLLED = 2
"""Lists per watch from which they are unrelated to it."""
CROWD = 10
"""Lists begun in one second, on average over them, from which clients come together; also how many
times the mean rate that must be."""
CUT = 10
"""Watches of a target from which they may be cut short."""
CUT_PER_H = 120
"""Watches of a target per hour and address from which they are cut short: client-go's last 5 to
10 minutes, 6 to 12 an hour."""
LONGEST_WATCH_S = 12 * 60
"""client-go ends a watch after 5 to 10 minutes (``defaultMinWatchTimeout`` of ``tools/cache``):
in a shorter log a healthy informer may have no line. An API server ends those that name no time-out
after 30 to 60 minutes (``--min-request-timeout``)."""
HOUR_S = 3600
LOOPBACK = ("system:apiserver",)
LEASES = "leases.coordination.k8s.io"
NO_WATCH = (
    ".metrics.k8s.io",
    "componentstatuses",
    "imagestreamtags.image.openshift.io",
    "packagemanifests.packages.operators.coreos.com",
)
"""Ends of resources that can be read and not watched."""


def clients(sums: Sums) -> list[Client]:
    """Return a client for each row of reads of objects."""
    discoveries = {
        (row["user"], row["agent"]): row["gets"] for row in sums.clients if not row["resource"]
    }
    return [
        _client(row, sums, discoveries.get((row["user"], row["agent"]), 0))
        for row in sums.clients
        if row["resource"] and "/" not in row["resource"]
    ]


def _client(row: Row, sums: Sums, discoveries: int) -> Client:
    watches = max(row["watches_begun"], row["watches_ended"])
    streams = max(row["streams_begun"], row["streams_ended"])
    lists = row["lists"] + streams
    verdict, reason = (
        _verdict(row, lists, watches, sums.covered_s, discoveries)
        if sums.covered_s
        else (Verdict.CANNOT_SAY, Why.UNTIMED)
    )
    reads = lists + row["gets"]
    again = reads - row["pairs"]
    span = min(row["last"] - row["first"], sums.covered_s) if row["first"] is not None else 0.0
    return Client(
        user=row["user"],
        agent=row["agent"],
        resource=row["resource"],
        scope=row["scope"],
        verdict=verdict,
        why=reason,
        lists=lists,
        pages=row["pages"],
        gets=row["gets"],
        watches=watches,
        failed=row["failed"],
        versions=_versions(row),
        targets=row["targets"],
        namespaces=row["namespaces"],
        addresses=row["addresses"],
        selected=row["selected"],
        per_s=reads / sums.covered_s if sums.covered_s else 0.0,
        period_s=span * row["pairs"] / again if again >= AGAIN and span else None,
    )


def _versions(row: Row) -> dict[str, int]:
    unset = row["lists"] - row["fresh"] - row["resumed"]
    versions = {"unset": unset, "0": row["fresh"], "later": row["resumed"]}
    return {name: count for name, count in versions.items() if count}


def _verdict(
    row: Row, lists: int, watches: int, covered_s: float, discoveries: int
) -> tuple[Verdict, Why | None]:
    if row["user"] in LOOPBACK:
        return Verdict.LOOPBACK, None
    if row["resource"] == LEASES and row["scope"] == "object":
        return Verdict.LEASES, None
    if row["resource"].endswith(NO_WATCH):
        return Verdict.CANNOT_SAY, Why.NO_WATCH
    reads = lists + row["gets"]
    if row["failed"] >= REFUSED * (reads + watches + row["writes"]):
        return Verdict.CANNOT_SAY, Why.REFUSED
    again = reads - row["pairs"]
    if row["scope"] == "object":
        return _of_gets(row, again)
    if watches and (again < AGAIN or lists < RELISTED * watches):
        watches_each = watches / row["pairs"]
        cut = watches_each >= CUT and watches_each * HOUR_S >= CUT_PER_H * covered_s
        return (Verdict.REWATCHES if cut else Verdict.WATCHES), None
    if again < AGAIN or reads < EACH * row["pairs"]:
        if reads > AGAIN and row["addresses"] > AGAIN:
            return Verdict.CANNOT_SAY, Why.SHORT_LIVED
        return Verdict.CANNOT_SAY, Why.FEW
    if watches and lists < POLLED * watches:
        return _stumbles(row, lists, discoveries), None
    return _polls(row, lists / covered_s), None


def _of_gets(row: Row, again: int) -> tuple[Verdict, Why | None]:
    gets = row["gets"]
    if row["writes"] >= LOCKED * gets:
        return Verdict.CANNOT_SAY, Why.WRITES
    if again >= AGAIN and gets >= EACH * row["pairs"]:
        return Verdict.GET_POLLS, None
    return Verdict.CANNOT_SAY, Why.FEW if gets <= AGAIN else Why.ONCE


def _polls(row: Row, rate: float) -> Verdict:
    if row["addresses"] >= CROWD and (row["crowd"] or 0.0) >= CROWD * (1 + rate):
        return Verdict.HERD
    return Verdict.PAGES if row["pages"] > row["lists"] else Verdict.POLLS


def _stumbles(row: Row, lists: int, discoveries: int) -> Verdict:
    """Return whether an informer relists or its process restarts.

    The first list of a process asks for resourceVersion 0; one that relists names the last
    version that it saw, or none after a 410 (``relistResourceVersion`` of client-go's reflector;
    a stream names none in both cases). A process also discovers the API as it starts. Where
    neither shows, it is a relist.
    """
    starts = row["fresh"] >= lists / 2 or discoveries >= lists / 2
    return Verdict.RESTARTS if starts else Verdict.RELISTS
