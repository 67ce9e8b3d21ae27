"""An informer under test on a control plane, with all that judges it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.cluster.control_plane import ControlPlane
from servers.informer import Observer, SharedInformer
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
"""From the API server's first good answer to a cache in step, with delays capped at 2 s."""


class Fills(Observer):
    """Notes why the whole state was fetched, and how long was waited."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.delays: list[float] = []

    def filled(self, reason: str) -> None:
        self.reasons.append(reason)

    def backed_off(self, delay_s: float) -> None:
        self.delays.append(delay_s)


class Subject:
    """An informer of one namespace's pods, its replica, its requests and its writer."""

    def __init__(
        self,
        plane: ControlPlane,
        writer: Writer,
        informers: Informers,
        kubeconfig: Path | None = None,
        **options: Any,
    ) -> None:
        self.plane = plane
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
        """Fail unless, once the API server answers, the cache is in step within the time."""
        until_it_answers(self.api)
        _, items = listed(self.api, self.writer.path)
        eventually(lambda: same(self.informer, items), "recovered", RECOVERY_S)
        self.writer.some_writes("after")
        self.in_step()

    def requests_since(self, begun: float) -> list[tuple[float, str, int]]:
        return [one for one in self.requests if one[0] >= begun]

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Fail if more requests are sent inside the block than the back-off allows.

        Each failure is followed by a delay of 0.1 s at least, doubling to 2 s, with
        up to as much again; a round is two requests at most, a look and a watch.
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
