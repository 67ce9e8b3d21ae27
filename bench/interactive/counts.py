"""Requests of each identity by verb, from the lines of the audit log. Pure."""

from collections import Counter
from collections.abc import Iterable

from bench.probes.audit import COMPLETE, AuditRow

ACCOUNT = "system:serviceaccount:"
THROTTLED = 429


def identity(user: str) -> str:
    """Return the short name of a user: a ServiceAccount's own name, else all of it."""
    return user.rpartition(":")[2] if user.startswith(ACCOUNT) else user


def is_request(row: AuditRow) -> bool:
    """Whether the line is the one that a request is counted by.

    A watch that was opened (200) has a line when it begins to answer, which counts,
    and one when it ends; all else has the one when it is answered.
    """
    opened = row.verb == "watch" and row.code == 200
    return opened != (row.stage == COMPLETE)


def count(rows: Iterable[AuditRow]) -> Counter[tuple[str, str]]:
    """Return the requests by ``(identity, verb)``."""
    return Counter((identity(row.user), row.verb) for row in rows if is_request(row))


def throttled(rows: Iterable[AuditRow]) -> Counter[str]:
    """Return the requests refused with 429 (too many requests), by identity."""
    return Counter(
        identity(row.user) for row in rows if row.code == THROTTLED and row.stage == COMPLETE
    )
