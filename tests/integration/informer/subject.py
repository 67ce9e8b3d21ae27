"""An informer under test on a control plane, with its checks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.cluster.control_plane import ControlPlane
from kube_informer import Observer, SharedInformer
from tests.integration.informer.conftest import QUICK, Informers
from tests.integration.informer.replica import (
    PATIENCE_S,
    Replica,
    Writer,
    assert_in_step,
    eventually,
    listed,
    same,
    until_it_answers,
)

RECOVERY_S = 5.0
"""Seconds from the API server's first good answer to a cache in step, without the delays."""

MAX_TRIES = 3
"""Delays that may start once the API server answers: a 410, a watch cache still filling."""

SLOW_MACHINE_S = 90.0
"""Seconds to wait for a recovery on a shared machine, where the time is not asserted."""


class Fills(Observer):
    """Records the reasons of whole fetches, and the start and length of each delay."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.waits: list[tuple[float, float]] = []

    @property
    def delays(self) -> list[float]:
        return [delay for _, delay in self.waits]

    def filled(self, reason: str, objects: int) -> None:
        self.reasons.append(reason)

    def backed_off(self, delay_s: float) -> None:
        self.waits.append((time.monotonic(), delay_s))

    def pending_s(self, now: float) -> float:
        """Return the rest of the last delay at ``now``."""
        return max(sum(self.waits[-1]) - now, 0.0) if self.waits else 0.0


class Subject:
    """An informer of one namespace's pods, its replica, its requests and its writer.

    ``timed`` asserts the time of a recovery, which only an otherwise idle machine can
    keep; the number of its tries is asserted everywhere.
    """

    def __init__(
        self,
        plane: ControlPlane,
        writer: Writer,
        informers: Informers,
        kubeconfig: Path | None = None,
        *,
        timed: bool = False,
        **options: Any,
    ) -> None:
        self.plane = plane
        self.timed = timed
        self.api = plane.api("admin")
        self.writer = writer
        self.replica = Replica()
        self.fills = Fills()
        self.requests: list[tuple[float, str, int]] = []
        self.informer: SharedInformer = informers.of(
            kubeconfig or plane.kubeconfig,
            namespaces=[writer.namespace],
            on_request=self._note,
            observer=self.fills,
            **options,
        )
        self.informer.add_event_handler(self.replica)
        writer.some_writes("first")
        self.informer.start()
        assert self.informer.wait_for_cache_sync(PATIENCE_S)
        self.in_step()

    def _note(self, verb: str, resource: str, subresource: str, code: int) -> None:
        self.requests.append((time.monotonic(), verb, code))

    def in_step(self) -> None:
        assert_in_step(self.informer, self.api, self.writer.path, self.replica)

    def recovers(self) -> None:
        """Fail unless the cache is in step after few tries once the API server answers."""
        until_it_answers(self.api)
        answered, before = time.monotonic(), len(self.fills.waits)
        pending = self.fills.pending_s(answered)
        _, items = listed(self.api, self.writer.path)
        eventually(lambda: same(self.informer, items), "recovered", SLOW_MACHINE_S)
        took = time.monotonic() - answered
        chosen = self.fills.delays[before:]
        assert len(chosen) <= MAX_TRIES, chosen
        if self.timed:
            assert took <= pending + sum(chosen) + RECOVERY_S
        self.writer.some_writes("after")
        self.in_step()

    def kept_its_state(self, *fetched_for: str) -> None:
        """Fail if the state was fetched again, except once for a reason in ``fetched_for``.

        A slow machine may cause any number of failures in a row, and enough of them
        climb the ladder from a new watch to a fetch.
        """
        assert ["initial"] == self.fills.reasons[:1]
        again = self.fills.reasons[1:]
        assert len(again) <= 1, again
        assert set(again) <= set(fetched_for), again

    def requests_since(self, begun: float) -> list[tuple[float, str, int]]:
        return [request for request in self.requests if request[0] >= begun]

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Fail if more requests are sent inside the block than the back-off allows.

        Each failure is followed by a delay of 0.1 s at least, doubling to 2 s, with up to
        as much again; a round is two requests at most, a version check and a watch.
        """
        begun = time.monotonic()
        yield
        lasted = time.monotonic() - begun
        rounds, step, spent = 1, QUICK.initial_s, 0.0
        while spent + step <= lasted:
            rounds, spent, step = rounds + 1, spent + step, min(step * 2, QUICK.cap_s)
        sent = self.requests_since(begun)
        assert len(sent) <= 2 * (rounds + 1), sent


Make = Callable[..., Subject]
