"""A client under test, seen from outside: what its account asks, whether it is quiet, its limits.

The audit log is all that is needed: a client is asked nothing, and told nothing.
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
"""Requests a second of one client: beyond them a control plane on this machine does nothing else,
and its audit log grows by a gigabyte in half an hour."""
AT_ONCE = 4 << 20
"""Bytes of the audit log that are read in one look."""
LOOK_S = 0.1
FORBIDDEN = 403
READ_VERBS = frozenset({"get", "list", "watch"})
LEASES = "leases"
RENEWING = frozenset({"get", "update", "patch"})
"""What who holds a lease does again and again, whatever else it does."""
SHOWN = 5


def readable(objects: Sequence[Objects]) -> tuple[Rule, ...]:
    """Return what a client without rules of its own may do: read what the cluster holds."""
    verbs = sorted(READ_VERBS)
    return (pod_rule(*verbs), *object_rules(objects, *verbs))


def watched(plane: Plane, identity: str) -> "Requests":
    """Return what follows the requests of ``identity`` from now on.

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
        self._at = log.behind_last_line()
        self._looked = clock()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self.asked = 0
        """How many there were."""
        self.last_epoch_s: float | None = None
        """When the last was answered, or a watch begun; renewals of leases apart."""

    def close(self) -> None:
        """Close the audit log."""
        self._log.close()

    def look(self) -> None:
        """Read what was written since the last look; at most every ``LOOK_S``.

        Raises ``ServerError`` when there was more than ``MOST_PER_S``.
        """
        passed_s = self._clock() - self._looked
        if passed_s < LOOK_S:
            return
        asked = self._read()
        if asked > MOST_PER_S * max(passed_s, 1.0):
            raise ServerError(
                f"it sent {asked:,} requests in {passed_s:.1f} s, more than {MOST_PER_S:,.0f} a "
                "second, and was stopped: no bill could tell it from the machine's limit"
            )

    def _read(self) -> int:
        """Read on, and return how many requests of the account came."""
        rows, self._at = self._log.lines(self._at, AT_ONCE)
        own = [row for row in rows if row.user == self._user and not _ends_watch(row)]
        self._looked = self._clock()
        self.asked += len(own)
        for row in own:
            if row.resource != LEASES or row.verb not in RENEWING:
                self.last_epoch_s = max(self.last_epoch_s or 0.0, row.at_us / 1e6)
            if row.code == FORBIDDEN:
                self._refused[row.verb, group_of(row.uri), _resource(row)] += 1
        return len(own)

    def refused(self) -> str | None:
        """Say which requests RBAC refused so far, and what would let them in; ``None``: none."""
        self._read()  # whoever waited for a line or a URL has not looked
        if not self._refused:
            return None
        said = [
            f"{verb} {resource}{f'.{group}' if group else ''} ({count} times)"
            for (verb, group, resource), count in self._refused.most_common(SHOWN)
        ]
        more = len(self._refused) - SHOWN
        said += [f"and {more} more"] if more > 0 else []
        by_resource: dict[tuple[str, str], list[str]] = {}
        for verb, group, resource in self._refused:
            by_resource.setdefault((group, resource), []).append(verb)
        rules = [
            {"apiGroups": [group], "resources": [resource], "verbs": sorted(verbs)}
            for (group, resource), verbs in sorted(by_resource.items())
            if resource
        ]
        way = f"; a ClusterRole with these rules allows it (--role FILE): {json.dumps(rules)}"
        return f"the API server answered 403 to {', '.join(said)}{way if rules else ''}"


class Quiet:
    """Readiness of a client: it has asked, and asked nothing more for ``quiet_s``."""

    def __init__(
        self, client: Client, requests: Requests, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._client, self._requests, self._wall = client, requests, wall
        self._began_s = wall()
        self.gave_up = False
        """Whether it asked until the time was over, and is measured all the same."""

    @property
    def last(self) -> str:
        """What came of the last look, in words."""
        if self._requests.asked:
            return f"it was never quiet for {self._client.quiet_s:g} s"
        return (
            "it asked the API server nothing: does it read KUBECONFIG from its environment? One "
            "that asks nothing at first needs ready_line or ready_url"
        )

    def ask(self, url: str) -> bool:
        """Return whether it is quiet, or will not become so."""
        del url
        self._requests.look()
        now, last = self._wall(), self._requests.last_epoch_s
        if last is not None and now - last >= self._client.quiet_s:
            return True
        # a little earlier than whoever waits gives up with an error
        late = now - self._began_s > self._client.ready_timeout_s - 2 * LOOK_S
        self.gave_up = last is not None and late
        return self.gave_up

    def ready_s(self, passed_s: float) -> float | None:
        """Return when the last request before the quiet was answered; ``None``: never quiet."""
        del passed_s
        last = self._requests.last_epoch_s
        return None if self.gave_up or last is None else max(0.0, last - self._began_s)


def try_client(plane: Plane, kind: ServerKind, client: Client, watchdog: Watchdog) -> str:
    """Start the client, wait until it is ready, stop it, and say what it did meanwhile.

    Raises ``ProcessFailed`` if it ends, ``ServerError`` if it cannot be measured.
    """
    requests = watched(plane, kind.identity)
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
    return f"{when}, {requests.asked} requests" + (
        f"; {told}" if (told := requests.refused()) else ""
    )


def refuse_strays(client: Replicas) -> None:
    """Raise ``ServerError`` if the client has let go of processes: they cannot be billed."""
    if strays := client.strays:
        raise ServerError(
            f"{client.first.name} left {len(strays)} of its processes to themselves (it forked "
            "away, or was started with & or nohup), and what they use is not known to be its own: "
            "have it stay in the foreground"
        )


def client_caveats(
    client: Client, requests: Requests, quiet: Quiet, rows: Sequence[AuditRow], held: Sequence[str]
) -> Iterator[tuple[CaveatKind, str]]:
    """Tell what limits a client's bill; ``held`` are the resources of the population."""
    if (refused := requests.refused()) is not None:
        yield CaveatKind.CLIENT_REFUSED, refused
    if quiet.gave_up:
        text = (
            f"{client.name} was never quiet for {client.quiet_s:g} s within "
            f"{client.ready_timeout_s:g} s: its start is not billed apart from the rest"
        )
        yield CaveatKind.CLIENT_NEVER_QUIET, text
    wrote = Counter(
        f"{row.verb} {_resource(row)}"
        for row in rows
        if row.verb not in READ_VERBS and row.resource in held and row.code < 400
    )
    if wrote:
        said = ", ".join(f"{what} ({count} times)" for what, count in wrote.most_common(SHOWN))
        text = f"{client.name} wrote to what every arm reads: {said}. Later trials find it changed"
        yield CaveatKind.CLIENT_WROTE, text


def watches_held(rows: Sequence[AuditRow] | None, record: TrialRecord) -> int | None:
    """Return how many watches of the account ``rows`` show begun and not ended.

    An API server that is killed ends all of them, and writes no line about it.
    """
    if rows is None:
        return None
    since_s = 0.0
    if record.fault is not None and record.fault.started_anew_s is not None:
        since_s = record.window_begin_epoch_s + record.fault.started_anew_s
    own = (row for row in rows if row.user.endswith(f":{record.identity}"))
    return sum(
        row.verb == "watch" and row.stage != COMPLETE and row.received_us >= since_s * 1e6
        for row in own
    )


def group_of(uri: str) -> str:
    """Return the API group of a request's path; "" is the core group."""
    parts = uri.partition("?")[0].split("/")
    return parts[2] if parts[1:2] == ["apis"] and len(parts) > 2 else ""


def _resource(row: AuditRow) -> str:
    return f"{row.resource}/{row.subresource}" if row.subresource else row.resource


def _ends_watch(row: AuditRow) -> bool:
    return row.verb == "watch" and row.stage == COMPLETE and row.code < 400
