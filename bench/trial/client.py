"""A client under test, seen from outside: its account's requests, its quiet, its limits.

The audit log alone suffices: nothing is sent to the client.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bench.cluster.identities import Rule, pod_rule
from bench.cluster.objects import object_rules
from bench.cluster.plane import Plane
from bench.model import CaveatKind, Client, Objects, TrialRecord
from bench.probes.audit import COMPLETE, AuditLog, AuditRow
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerError, ServerKind
from bench.sut.replicas import Replicas

MOST_PER_S = 1000.0
"""Requests per second of one client: beyond it a control plane here does nothing else,
and its audit log grows by a gigabyte in half an hour."""
AT_ONCE = 4 << 20
"""Bytes of the audit log read at a time."""
LOOK_S = 0.1
FORBIDDEN = 403
READ_VERBS = frozenset({"get", "list", "watch"})
LEASES = "leases"
RENEWING = frozenset({"get", "update", "patch"})
"""Verbs that the holder of a lease repeats, whatever else it does."""
SHOWN = 5


def readable(objects: Sequence[Objects]) -> tuple[Rule, ...]:
    """Return the rules of a client that brings none: read pods and ``objects``."""
    verbs = sorted(READ_VERBS)
    return (pod_rule(*verbs), *object_rules(objects, *verbs))


def follow(plane: Plane, identity: str) -> "Requests":
    """Follow the requests of ``identity`` from now on.

    Raises ``ServerError`` where there is no audit log.
    """
    if plane.audit_log is None:
        raise ServerError("a client is billed by the audit log, and this API server's is not read")
    return Requests(AuditLog(plane.audit_log), plane.placement.user(identity))


class Requests:
    """The requests of one account, followed through the audit log."""

    def __init__(
        self, log: AuditLog, user: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._user, self._clock = log, user, clock
        self._position = log.behind_last_line()
        self._looked = clock()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self.count = 0
        """Number of requests so far."""
        self.last_epoch_s: float | None = None
        """When the last one was answered, or a watch began; without renewals of leases."""

    def close(self) -> None:
        """Close the audit log."""
        self._log.close()

    def look(self) -> None:
        """Read what was logged since the last call; at most every ``LOOK_S``.

        Raises ``ServerError`` for more than ``MOST_PER_S`` requests per second.
        """
        passed_s = self._clock() - self._looked
        if passed_s < LOOK_S:
            return
        count = self._read()
        if count > MOST_PER_S * max(passed_s, 1.0):
            raise ServerError(
                f"it sent {count:,} requests in {passed_s:.1f} s, more than {MOST_PER_S:,.0f} a "
                "second, and was stopped: no bill could tell it from the machine's limit"
            )

    def _read(self) -> int:
        """Read the next lines of the log; return the number of the account's requests in them."""
        rows, self._position = self._log.lines(self._position, AT_ONCE)
        requests = [row for row in rows if row.user == self._user and not _ends_watch(row)]
        self._looked = self._clock()
        self.count += len(requests)
        for row in requests:
            if row.resource != LEASES or row.verb not in RENEWING:
                self.last_epoch_s = max(self.last_epoch_s or 0.0, row.at_us / 1e6)
            if row.code == FORBIDDEN:
                self._refused[row.verb, group_of(row.uri), _resource(row)] += 1
        return len(requests)

    def refused(self) -> str | None:
        """Return a text of the requests that RBAC refused, and rules to allow them; or ``None``."""
        self._read()  # a wait for a line or a URL reads no log
        if not self._refused:
            return None
        refusals = [
            f"{verb} {resource}{f'.{group}' if group else ''} ({count} times)"
            for (verb, group, resource), count in self._refused.most_common(SHOWN)
        ]
        more = len(self._refused) - SHOWN
        refusals += [f"and {more} more"] if more > 0 else []
        by_resource: dict[tuple[str, str], list[str]] = {}
        for verb, group, resource in self._refused:
            by_resource.setdefault((group, resource), []).append(verb)
        rules = [
            {"apiGroups": [group], "resources": [resource], "verbs": sorted(verbs)}
            for (group, resource), verbs in sorted(by_resource.items())
            if resource
        ]
        remedy = f"; a ClusterRole with these rules allows it (--role FILE): {json.dumps(rules)}"
        return f"the API server answered 403 to {', '.join(refusals)}{remedy if rules else ''}"


class Quiet:
    """Readiness of a client: it has sent a request, and then none for ``quiet_s``."""

    def __init__(
        self, client: Client, requests: Requests, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._client, self._requests, self._wall = client, requests, wall
        self._began_s = wall()
        self.gave_up = False
        """Whether it sent requests until the time was over; it is measured all the same."""

    @property
    def last(self) -> str:
        """Why the client is not ready yet."""
        if self._requests.count:
            return f"it was never quiet for {self._client.quiet_s:g} s"
        return (
            "it asked the API server nothing: does it read KUBECONFIG from its environment? One "
            "that asks nothing at first needs ready_line or ready_url"
        )

    def ask(self, url: str) -> bool:
        """Return whether the client is quiet, or the wait for it is given up."""
        del url
        self._requests.look()
        now, last = self._wall(), self._requests.last_epoch_s
        if last is not None and now - last >= self._client.quiet_s:
            return True
        # a little before the caller's timeout, which would be an error
        late = now - self._began_s > self._client.ready_timeout_s - 2 * LOOK_S
        self.gave_up = last is not None and late
        return self.gave_up

    def ready_s(self, passed_s: float) -> float | None:
        """Return seconds until the answer of the last request before the quiet; or ``None``."""
        del passed_s
        last = self._requests.last_epoch_s
        return None if self.gave_up or last is None else max(0.0, last - self._began_s)


def try_client(plane: Plane, kind: ServerKind, client: Client, watchdog: Watchdog) -> str:
    """Start the client, wait until it is ready, stop it, and return a text of what it did.

    Raises ``ProcessFailed`` if it ends, ``ServerError`` if it cannot be measured.
    """
    requests = follow(plane, kind.identity)
    spec = ServerSpec.on(plane, kind, plane.folder / f"try-{kind.name}.log")
    try:
        quiet = Quiet(client, requests)
        with Replicas.start(replace(spec, quiet=quiet), 1, watchdog) as started:
            refuse_strays(started)
            requests.look()
            when = (
                "not quiet" if started.ready_s is None else f"ready in {started.ready_s[1]:.1f} s"
            )
    except (ProcessFailed, ServerError) as error:
        if refused := requests.refused():
            raise ServerError(f"{error}\n{refused}") from error
        raise
    finally:
        requests.close()
    return f"{when}, {requests.count} requests" + (
        f"; {refused}" if (refused := requests.refused()) else ""
    )


def refuse_strays(client: Replicas) -> None:
    """Raise ``ServerError`` if processes of the client left its group: they cannot be billed."""
    if strays := client.strays:
        raise ServerError(
            f"{client.first.name} left {len(strays)} of its processes to themselves (it forked "
            "away, or was started with & or nohup), and what they use is not known to be its own: "
            "have it stay in the foreground"
        )


def client_caveats(
    client: Client, requests: Requests, quiet: Quiet, rows: Sequence[AuditRow], kinds: Sequence[str]
) -> Iterator[tuple[CaveatKind, str]]:
    """Yield the limits of a client's bill; ``kinds`` are the resources of the population."""
    if (refused := requests.refused()) is not None:
        yield CaveatKind.CLIENT_REFUSED, refused
    if quiet.gave_up:
        text = (
            f"{client.name} was never quiet for {client.quiet_s:g} s within "
            f"{client.ready_timeout_s:g} s: its start is not billed apart from the rest"
        )
        yield CaveatKind.CLIENT_NEVER_QUIET, text
    writes = Counter(
        f"{row.verb} {_resource(row)}"
        for row in rows
        if row.verb not in READ_VERBS and row.resource in kinds and row.code < 400
    )
    if writes:
        texts = ", ".join(f"{name} ({count} times)" for name, count in writes.most_common(SHOWN))
        text = f"{client.name} wrote to what every arm reads: {texts}. Later trials find it changed"
        yield CaveatKind.CLIENT_WROTE, text


def watches_held(rows: Sequence[AuditRow] | None, record: TrialRecord) -> int | None:
    """Return the number of the account's watches that ``rows`` show begun and not ended.

    An API server that is killed ends all of them, and writes no line about it.
    """
    if rows is None:
        return None
    since_s = 0.0
    if record.fault is not None and record.fault.started_anew_s is not None:
        since_s = record.window_begin_epoch_s + record.fault.started_anew_s
    requests = (row for row in rows if row.user.endswith(f":{record.identity}"))
    return sum(
        row.verb == "watch" and row.stage != COMPLETE and row.received_us >= since_s * 1e6
        for row in requests
    )


def group_of(uri: str) -> str:
    """Return the API group of a request's path; "" is the core group."""
    parts = uri.partition("?")[0].split("/")
    return parts[2] if parts[1:2] == ["apis"] and len(parts) > 2 else ""


def _resource(row: AuditRow) -> str:
    return f"{row.resource}/{row.subresource}" if row.subresource else row.resource


def _ends_watch(row: AuditRow) -> bool:
    return row.verb == "watch" and row.stage == COMPLETE and row.code < 400
