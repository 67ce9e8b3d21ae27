"""The verdict on a client: what it does with one resource. Pure."""

from bench.advise.groups import Row, Sums
from bench.advise.result import Client, Verdict, Why

AGAIN = 5
"""Reads of what was read before, from which on they are no accident."""
EACH = 3
"""Reads of a target, on average, from which on it is read again and again."""
REFUSED = 0.5
"""Share of requests that fail, from which on the failure is what matters."""
LOCKED = 0.5
"""Writes a get from which on it is read in order to be written: a lock, or read-modify-write."""
RELISTED = 0.5
"""Lists a watch from which on the list goes with each watch; a healthy informer lists once."""
POLLED = 2
"""Lists a watch from which on they have nothing to do with it."""
CROWD = 10
"""Lists begun in one second, on average over them, from which on clients come together, and how
many times the mean rate that is."""
CUT = 10
"""Watches of a target from which on they may be cut short."""
CUT_PER_H = 120
"""Watches of a target an hour, by one address, from which on they are: client-go's last 5 to 10
minutes, 6 to 12 an hour."""
LONGEST_WATCH_S = 12 * 60
"""client-go ends a watch after 5 to 10 minutes (``defaultMinWatchTimeout`` of ``tools/cache``):
in a shorter log a healthy informer may have no line. An API server ends those that name no time-out
after 30 to 60 minutes (``--min-request-timeout``)."""
HOUR_S = 3600
LOOPBACK = ("system:apiserver",)
LEASES = "leases.coordination.k8s.io"


def clients(sums: Sums) -> list[Client]:
    """Return a client for each row that is about reads of objects."""
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
    verdict, why = (
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
        why=why,
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
    found = {"unset": unset, "0": row["fresh"], "later": row["resumed"]}
    return {name: count for name, count in found.items() if count}


def _verdict(
    row: Row, lists: int, watches: int, covered_s: float, discoveries: int
) -> tuple[Verdict, Why | None]:
    if row["user"] in LOOPBACK:
        return Verdict.LOOPBACK, None
    if row["resource"] == LEASES and row["scope"] == "object":
        return Verdict.LEASES, None
    reads = lists + row["gets"]
    if row["failed"] >= REFUSED * (reads + watches + row["writes"]):
        return Verdict.CANNOT_SAY, Why.REFUSED
    again = reads - row["pairs"]
    if row["scope"] == "object":
        return _of_gets(row, again)
    if watches and (again < AGAIN or lists < RELISTED * watches):
        each = watches / row["pairs"]
        cut = each >= CUT and each * HOUR_S >= CUT_PER_H * covered_s
        return (Verdict.REWATCHES if cut else Verdict.WATCHES), None
    if again < AGAIN or reads < EACH * row["pairs"]:
        if reads > AGAIN and row["addresses"] > AGAIN:
            return Verdict.CANNOT_SAY, Why.SHORT_LIVED
        return Verdict.CANNOT_SAY, Why.FEW
    if watches and lists < POLLED * watches:
        return _stumbles(row, lists, discoveries), None
    rate = lists / covered_s
    crowd = row["crowd"] or 0.0
    if row["addresses"] >= CROWD and crowd >= CROWD * (1 + rate):
        return Verdict.HERD, None
    return (Verdict.PAGES if row["pages"] > row["lists"] else Verdict.POLLS), None


def _of_gets(row: Row, again: int) -> tuple[Verdict, Why | None]:
    gets = row["gets"]
    if row["writes"] >= LOCKED * gets:
        return Verdict.CANNOT_SAY, Why.WRITES
    if again >= AGAIN and gets >= EACH * row["pairs"]:
        return Verdict.GET_POLLS, None
    return Verdict.CANNOT_SAY, Why.FEW if gets <= AGAIN else Why.ONCE


def _stumbles(row: Row, lists: int, discoveries: int) -> Verdict:
    """Tell an informer that relists from a process that restarts.

    The first list of a process asks for resourceVersion 0; one that relists names the last
    version that it saw, or none after a 410 (``relistResourceVersion`` of client-go's reflector;
    a stream names none in both cases). A process also discovers the API as it starts. Where
    neither shows, it is a relist.
    """
    starts = row["fresh"] >= lists / 2 or discoveries >= lists / 2
    return Verdict.RESTARTS if starts else Verdict.RELISTS
