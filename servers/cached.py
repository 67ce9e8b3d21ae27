"""The source that reads an informer's cache and sends the API server no request.

It differs from the API server on purpose: an unset resourceVersion means "any", as
the cache has no newer state; a request waits for a version not reached yet; an exact
version is served while it is the present one or kept for pages; continue tokens name
a version, which is the present one or kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from kube_informer import CachedObject, Health, Snapshot
from servers import continue_token
from servers.bodies import Bodies
from servers.continue_token import PRESENT, Position
from servers.query import selectors
from servers.retained import RetainedSnapshots
from servers.source import (
    EXACT,
    Pod,
    PodPage,
    PodQuery,
    SourceError,
    pod_not_found,
    too_large_resource_version,
)

WAIT_S = 3.0
"""Seconds to wait for a version not reached yet; the API server waits as long."""

MAX_STALENESS_S = 150.0
"""Staleness at which the server is not ready. A watch brings a bookmark every 60 s: one may be
lost with a stream that broke, and the next stream's first bookmark takes as long again."""

EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)

EventTimes = Callable[[int], Sequence[tuple[int, int]]]
"""Returns the changes since a resourceVersion; see ``PodSource.event_times``."""


class PodCache(Protocol):
    """The part of an informer that this source needs; ``SharedInformer`` has more."""

    def start(self) -> None:
        """Start to fill the cache."""

    def stop(self) -> bool:
        """Stop it, and return whether it ended in time."""

    def snapshot(self) -> Snapshot:
        """Return the present state."""

    def wait_until(self, resource_version: str, timeout: float) -> bool:
        """Wait until the state includes this version; return whether it does."""

    @property
    def health(self) -> Health:
        """Whether the cache follows the API server, and since when that is unknown."""


class Closable(Protocol):
    """Closes after the cache has stopped."""

    def close(self) -> None:
        """Close the connections."""


def as_received(pod: CachedObject) -> bytes:
    """Return the pod's JSON as it came off the wire."""
    return pod.raw


class CachedSource:
    """Pods from an informer; starts and stops the informer, and closes its transport.

    ``encode`` makes the JSON of a pod in an answer; with any other than
    ``as_received``, no joined list is kept.
    """

    def __init__(
        self,
        informer: PodCache,
        transport: Closable,
        *,
        event_times: EventTimes = lambda _since: (),
        max_staleness_s: float = MAX_STALENESS_S,
        retained: RetainedSnapshots | None = None,
        encode: Callable[[CachedObject], bytes] = as_received,
    ) -> None:
        self._encode = encode
        self._informer = informer
        self._transport = transport
        self.event_times = event_times
        self._max_staleness_s = max_staleness_s
        self._retained = retained or RetainedSnapshots()
        self._bodies = Bodies()

    def start(self) -> None:
        """Start to fill the cache."""
        self._informer.start()

    def close(self) -> None:
        """Stop the informer and close its connections."""
        self._informer.stop()
        self._transport.close()

    def check_ready(self) -> None:
        """Return if the cache was recently the API server's state; see ``PodSource``."""
        self._present()
        health = self._informer.health
        if health.seconds > self._max_staleness_s:
            raise SourceError(
                503,
                f"the cache has not been current for {health.seconds:.0f} s, more than the "
                f"{self._max_staleness_s:.0f} s allowed: {health.why or 'no bookmark came'}",
                retry_after_s=1,
            )

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Look one pod up; see :class:`servers.source.PodSource`."""
        pod = self._not_older_than(resource_version).get(namespace, name)
        if pod is None:
            raise pod_not_found(name)
        return Pod([self._encode(pod)], pod.resource_version)

    def list_pods(self, query: PodQuery) -> PodPage:
        """List from one snapshot; see :class:`servers.source.PodSource`."""
        self._retained.expire()
        if query.continue_token:
            position = continue_token.read(query.continue_token)
            snapshot = self._continued(position, query)
            return self._page(snapshot, query, after=position.key)
        if query.resource_version == "0":
            query = replace(query, limit=0)  # the API server's watch cache ignores it, too
        snapshot = self._snapshot_for(query)
        selected = query.limit or query.label_selector or query.field_selector
        if selected or self._encode is not as_received:
            return self._page(snapshot, query)
        parts = self._bodies.parts(snapshot, query.namespace)
        return PodPage(parts, snapshot.resource_version)

    def _present(self) -> Snapshot:
        snapshot = self._informer.snapshot()
        if not snapshot.filled:
            reason = self._informer.health.why
            raise SourceError(503, f"the cache is not filled yet: {reason}", retry_after_s=1)
        return snapshot

    def _snapshot_for(self, query: PodQuery) -> Snapshot:
        version = query.resource_version
        match = query.resource_version_match
        exact = match == EXACT or (query.limit and not match)
        if not exact or version in ("", "0"):
            return self._not_older_than(version)
        present = self._present()
        if present.resource_version == version:
            return present
        kept = self._retained.at_version(version)
        if kept is None:
            raise SourceError(
                410,
                f"The resourceVersion for the provided list is not held here: {version}; the "
                f"cache is at {present.resource_version}",
            )
        return kept

    def _not_older_than(self, version: str) -> Snapshot:
        present = self._present()
        if version in ("", "0"):
            return present
        if not self._informer.wait_until(version, WAIT_S):
            raise too_large_resource_version(version, self._present().resource_version)
        return self._present()

    def _continued(self, position: Position, query: PodQuery) -> Snapshot:
        if position.namespace != query.namespace:
            raise SourceError(
                400,
                "invalid continue token: continue key is not valid: it belongs to another path",
            )
        present = self._not_older_than(position.version)
        if position.version == PRESENT:
            return present
        kept = self._retained.at_version(position.version)
        if kept is None and position.version == present.resource_version:
            kept = present
        if kept is None:
            fresh = Position(PRESENT, position.namespace, position.key)
            raise SourceError(410, EXPIRED, continue_token=continue_token.issue(fresh))
        return kept

    def _page(self, snapshot: Snapshot, query: PodQuery, after: str = "") -> PodPage:
        chosen = snapshot.select(query.namespace, *selectors(query))
        if after:
            chosen = [pod for pod in chosen if pod.key > after]
        token = ""
        if 0 < query.limit < len(chosen):
            chosen = chosen[: query.limit]
            self._retained.keep(snapshot)
            position = Position(snapshot.resource_version, query.namespace, chosen[-1].key)
            token = continue_token.issue(position)
        body = b",".join([self._encode(pod) for pod in chosen])
        return PodPage([body] if body else [], snapshot.resource_version, token)
