"""Property: whatever happens to the stream, the cache ends up as the server's state.

A little API server (a log of events, a window of it that is kept) is asked by
the machine's actions; cuts, expiries, refusals and repeats come at random.
"""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from informer.tests.shapes import EXPIRED, bookmark, line, listing, pod, status
from kube_informer.machine import (
    Answered,
    Broke,
    Chunk,
    Ended,
    GetList,
    Input,
    OpenWatch,
    Read,
    WatchMachine,
    Woke,
)
from kube_informer.observer import Observer
from kube_informer.resource import Scope
from kube_informer.store import Delta, DeltaType, Store


@dataclass
class Server:
    """State, its history, and how far back a watch may begin."""

    random: Random
    streams_initial: bool
    version: int = 1
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[int, bytes]] = field(default_factory=list)
    kept_from: int = 0
    sent_to: int = 0
    pending: bytes = b""
    births: int = 0

    def write(self) -> None:
        """Create, change or delete one object at random."""
        self.version += 1
        name = f"p{self.random.randrange(6)}"
        before = self.state.get(name)
        if before is None:
            self.births += 1
            kind, item = "ADDED", pod(name, self.version, uid=f"uid-{self.births}")
        elif self.random.random() < 0.4:
            kind = "DELETED"
            item = pod(name, self.version, uid=before["metadata"]["uid"])
        else:
            kind = "MODIFIED"
            item = pod(name, self.version, uid=before["metadata"]["uid"])
        self.log.append((self.version, line(kind, item)))
        if kind == "DELETED":
            del self.state[name]
        else:
            self.state[name] = item

    def forget(self) -> None:
        """Keep nothing of the past."""
        self.kept_from = self.version

    def open(self, query: dict[str, str]) -> Input:
        if "sendInitialEvents" in query:
            if not self.streams_initial:
                return Answered(422, json.dumps(status(422, "Invalid")).encode())
            self.pending = b"".join(line("ADDED", item) for item in self.state.values())
            self.pending += bookmark(self.version, initial_end=True)
            self.sent_to = self.version
            return Answered(200)
        start = int(query["resourceVersion"])
        if start < self.kept_from:
            self.pending = line("ERROR", EXPIRED)
        else:
            self.pending = b""
            # A server may repeat what was sent: begin a little early.
            self.sent_to = max(start - self.random.randrange(3), 0)
        return Answered(200)

    def read(self) -> Input:
        self.pending += b"".join(data for at, data in self.log if at > self.sent_to)
        self.sent_to = self.version
        if not self.pending:
            return Ended()
        cut = self.random.randrange(1, len(self.pending) + 1)
        data, self.pending = self.pending[:cut], self.pending[cut:]
        return Chunk(data)

    def answer(self) -> Input:
        return Answered(200, listing(self.version, *self.state.values()))


def drive(server: Server, faults: Random, writes: int) -> tuple[Store, list[Delta]]:
    store, told = Store(), []
    machine = WatchMachine(Scope(), Observer(), random_source=Random(1))
    action, now = machine.start(), 0.0
    quiet = 0
    while writes or quiet < 60:
        if writes and faults.random() < 0.5:
            server.write()
            writes -= 1
        calm = not writes
        quiet += calm
        now += 1.0
        trouble = 1.0 if calm else faults.random()
        came: Input
        if trouble < 0.1:
            came = Woke() if not isinstance(action, OpenWatch | GetList | Read) else Broke("cut")
        elif trouble < 0.15 and isinstance(action, OpenWatch | GetList):
            code = faults.choice([429, 500, 403])
            came = Answered(code, json.dumps(status(code)).encode())
        elif isinstance(action, OpenWatch):
            came = server.open(action.query)
        elif isinstance(action, GetList):
            came = server.answer()
        elif isinstance(action, Read):
            came = server.read()
        else:
            came = Woke()
        if trouble > 0.97 and not calm:
            server.forget()
        outputs, action = machine.step(came, now)
        store.apply(None, outputs, lambda deltas, _: told.extend(deltas))
    return store, told


@given(seed=st.integers(0, 2**32), writes=st.integers(0, 80), streams=st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_cache_and_the_replayed_events_end_up_as_the_servers_state(seed, writes, streams):
    server = Server(Random(seed), streams)
    store, told = drive(server, Random(seed + 1), writes)
    wanted = {f"a/{name}": item["metadata"] for name, item in server.state.items()}
    assert wanted == {item.key: item.decode()["metadata"] for item in store.snapshot()}
    replayed: dict[str, str] = {}
    latest: dict[str, int] = {}
    for delta in told:
        item = delta.new or delta.old
        assert item is not None
        if delta.type is DeltaType.DELETED:
            assert replayed.pop(item.key) is not None, "a deletion of what was never told"
            continue
        before = replayed.get(item.key)
        assert (before is None) is (delta.type is DeltaType.ADDED), "told twice, or not at all"
        assert int(item.resource_version) > latest.get(item.key, 0), "told out of order"
        latest[item.key] = int(item.resource_version)
        replayed[item.key] = item.resource_version
    assert {key: one["resourceVersion"] for key, one in wanted.items()} == replayed
