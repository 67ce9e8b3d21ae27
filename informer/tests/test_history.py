"""Property: after any history of the stream, the cache equals the server's state.

A little API server (a log of events, of which it keeps a window) answers the
machine's actions; cuts, expiries, refusals, repeats and servers that lack one
feature or another come at random. One revision may delete several objects, as an
etcd lease does.

    python -m informer.tests.test_history 600     runs for 600 seconds, prints figures
"""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from informer.tests.shapes import EXPIRED, TOO_LARGE, bookmark, line, listing, pod, status
from kube_informer.ladder import Signal
from kube_informer.machine import WatchMachine
from kube_informer.observer import Observer
from kube_informer.resource import Scope
from kube_informer.steps import (
    Action,
    Answered,
    Broke,
    CheckVersion,
    Chunk,
    Ended,
    GetList,
    Input,
    OpenWatch,
    Read,
    Woke,
)
from kube_informer.store import Delta, DeltaType, Store

LONG = 5000
"""Zeros in the versions of some histories: more digits than Python converts to a number."""


def refused(answer: dict[str, Any]) -> Answered:
    return Answered(answer["code"], json.dumps(answer).encode())


@dataclass
class Server:
    """State, its history, and the oldest version from which a watch may begin.

    ``fill`` is its answer to a request for a streamed fill: "serves", a status, or
    "unannotated", "silent", "early" (ends before the bookmark), "nonsense".
    """

    random: Random
    fill: str | int = "serves"
    long: bool = False
    pages: int = 500
    version: int = 1
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[int, bytes]] = field(default_factory=list)
    kept_from: int = 0
    sent_to: int = 0
    pending: bytes = b""
    filling: bool = False
    listing: bool = False
    loops: bool = False  # whether a page leads back to itself
    births: int = 0

    def text(self, version: int) -> str:
        """Return a version in the form on the wire."""
        return f"1{'0' * LONG}{version:09d}" if self.long else str(version)

    def _log(self, kind: str, item: dict[str, Any]) -> None:
        self.log.append((self.version, line(kind, item)))

    def write(self) -> None:
        """Create, change or delete one object at random, or let a lease of several expire."""
        self.version += 1
        if self.state and self.random.random() < 0.1:
            for name in self.random.sample(sorted(self.state), min(3, len(self.state))):
                self._delete(name)
            return
        name = f"p{self.random.randrange(6)}"
        before = self.state.get(name)
        if before is None:
            self.births += 1
            self.state[name] = pod(name, self.text(self.version), uid=f"uid-{self.births}")
            self._log("ADDED", self.state[name])
        elif self.random.random() < 0.4:
            self._delete(name)
        else:
            uid = before["metadata"]["uid"]
            self.state[name] = pod(name, self.text(self.version), uid=uid)
            self._log("MODIFIED", self.state[name])

    def _delete(self, name: str) -> None:
        last = self.state.pop(name)["metadata"]
        # Some servers send a deletion with the version of the object's last state.
        unchanged = self.random.random() < 0.2
        version = last["resourceVersion"] if unchanged else self.text(self.version)
        self._log("DELETED", pod(name, version, uid=last["uid"]))

    def forget(self) -> None:
        """Forget all past events."""
        self.kept_from = self.version

    def open(self, query: dict[str, str]) -> Input:
        self.listing = False
        self.filling = "sendInitialEvents" in query
        if self.filling:
            if isinstance(self.fill, int):
                return refused(status(self.fill))
            self.pending = b"".join(line("ADDED", item) for item in self.state.values())
            if self.fill == "serves":
                self.pending += bookmark(self.text(self.version), initial_end=True)
            elif self.fill == "unannotated":
                self.pending += bookmark(self.text(self.version))
            elif self.fill == "nonsense":
                self.pending = b"<html>\nlogin\n"
            self.sent_to = self.version
            return Answered(200)
        start = self._number(query["resourceVersion"])
        self.pending = b""
        if start < self.kept_from:
            # Refused, an ERROR event, or closed without an event (fabric8#7896).
            way = self.random.randrange(3)
            if way == 0:
                return refused(EXPIRED)
            self.pending = line("ERROR", EXPIRED) if way == 1 else b""
            self.sent_to = self.version if way == 2 else start
            self.filling = way == 2
            return Answered(200)
        # A server may repeat what was sent: begin a little early.
        self.sent_to = max(start - self.random.randrange(3), 0)
        return Answered(200)

    def _number(self, text: str) -> int:
        return int(text[len(text) - 9 :]) if self.long else int(text)

    def read(self) -> Input:
        if not self.filling and not self.listing:
            self.pending += b"".join(data for version, data in self.log if version > self.sent_to)
            self.sent_to = self.version
        if not self.pending:
            if self.listing:
                return Ended()
            if self.filling and self.fill == "silent":
                return Broke("nothing came", Signal.SILENT)
            return Ended()
        cut = self.random.randrange(1, len(self.pending) + 1)
        if self.filling and self.fill == "serves" and cut == len(self.pending):
            self.filling = False
        data, self.pending = self.pending[:cut], self.pending[cut:]
        return Chunk(data)

    def list(self, query: dict[str, str]) -> Input:
        """Answer a list, to be read piece by piece."""
        answer = self.answer(query)
        if answer.status == 200:
            self.listing, self.pending = True, answer.body
            return Answered(200)
        return answer

    def answer(self, query: dict[str, str]) -> Answered:
        """Answer a list, in pages if requested: later pages expire with the past events."""
        names = sorted(self.state)
        token = query.get("continue", "")
        start, version = 0, self.version
        if token:
            start, version = (int(part) for part in token.split(":"))
            if version < max(self.kept_from, self.version):
                return refused(EXPIRED)
        chosen, following = names[start : start + self.pages], names[start + self.pages :]
        if "limit" not in query:
            chosen, following = names, []
        if not (token and following and self.loops):
            token = f"{start + self.pages}:{version}" if following else ""
        return Answered(
            200,
            listing(self.text(version), *(self.state[name] for name in chosen), token=token),
        )


class Notes(Observer):
    """Counts remedies and fills."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def climbed(self, signal: str, remedy: str) -> None:
        self.seen[f"remedy {remedy}"] += 1

    def filled(self, reason: str, objects: int) -> None:
        self.seen[f"fill {reason}"] += 1


TROUBLE = (429, 500, 403, 400, 404, 503)


def disturbed(action: Action, faults: Random) -> Input | None:
    """Return a fault in place of the result of ``action``, or ``None``."""
    trouble = faults.random()
    if trouble < 0.1:
        signal = faults.choice([Signal.BROKE, Signal.SILENT, Signal.UNREACHABLE])
        sent = isinstance(action, OpenWatch | GetList | Read | CheckVersion)
        return Broke("cut", signal) if sent else Woke()
    if trouble < 0.15 and isinstance(action, OpenWatch | GetList | CheckVersion):
        return refused(status(faults.choice(TROUBLE)))
    if trouble < 0.16 and isinstance(action, OpenWatch | GetList):
        return refused(TOO_LARGE)
    if trouble < 0.17 and isinstance(action, CheckVersion):
        return Answered(200, b"<html>log in</html>")
    return None


def drive(
    server: Server, faults: Random, writes: int, notes: Notes
) -> tuple[Store, list[Delta], WatchMachine]:
    store, notified = Store(), []
    stream_initial = faults.random() < 0.6
    machine = WatchMachine(Scope(), notes, random_source=Random(1), stream_initial=stream_initial)
    action, now = machine.start(), 0.0
    quiet = 0
    while writes or quiet < 80:
        if writes and faults.random() < 0.5:
            server.write()
            writes -= 1
        calm = not writes
        quiet += calm and not isinstance(action, Read)  # the number of pieces of a body is random
        now += 1.0
        result = None if calm else disturbed(action, faults)
        if result is None:
            if isinstance(action, OpenWatch):
                result = server.open(action.query)
            elif isinstance(action, GetList):
                server.loops = not calm and faults.random() < 0.1
                result = server.list(action.query)
                if not calm and faults.random() < 0.03:
                    server.pending = b"<html>log in</html>"
            elif isinstance(action, CheckVersion):
                result = server.answer({"limit": "1"})
            else:
                result = server.read() if isinstance(action, Read) else Woke()
        if not calm and faults.random() < 0.03:
            server.forget()
        outputs, action = machine.step(result, now)
        store.apply(None, outputs, lambda deltas, _: notified.extend(deltas))
    return store, notified, machine


FILLS = ("serves", "serves", "unannotated", "silent", "early", "nonsense", 400, 403, 422, 500, 501)


def check(seed: int, writes: int, fill: str | int, pages: int, long: bool, notes: Notes) -> None:
    server = Server(Random(seed), fill, long, pages)
    store, deltas, machine = drive(server, Random(seed + 1), writes, notes)
    expected = {f"a/{name}": item["metadata"] for name, item in server.state.items()}
    assert expected == {item.key: item.decode()["metadata"] for item in store.snapshot()}
    assert machine.filled
    replayed: dict[str, str] = {}
    latest: dict[str, int] = {}
    for delta in deltas:
        item = delta.new or delta.old
        assert item is not None
        if delta.type is DeltaType.DELETED:
            assert replayed.pop(item.key) is not None, "a deletion without an addition"
            continue
        before = replayed.get(item.key)
        assert (before is None) is (delta.type is DeltaType.ADDED), "notified twice, or not at all"
        version = int(item.resource_version[-9:])
        assert version > latest.get(item.key, 0), "notified out of order"
        latest[item.key] = version
        replayed[item.key] = item.resource_version
    assert {key: metadata["resourceVersion"] for key, metadata in expected.items()} == replayed


@given(
    seed=st.integers(0, 2**32),
    writes=st.integers(0, 80),
    fill=st.sampled_from(FILLS),
    pages=st.sampled_from([1, 2, 500]),
    long=st.sampled_from([False, False, False, True]),
)
@settings(max_examples=300, deadline=None)
def test_the_cache_and_the_replayed_events_end_up_as_the_servers_state(
    seed, writes, fill, pages, long
):
    check(seed, writes, fill, pages, long, Notes())


def main(seconds: float) -> None:
    """Try histories for ``seconds``; print their number, and the counts of remedies and fills."""
    notes, choice, tried = Notes(), Random(), 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        case = (
            choice.randrange(2**32),
            choice.randrange(150),
            choice.choice(FILLS),
            choice.choice([1, 2, 500]),
            choice.random() < 0.25,
        )
        try:
            check(*case, notes)
        except Exception:
            print(f"history {case} diverged")
            raise
        tried += 1
    print(f"{tried} histories in {seconds:.0f} s, no divergence")
    for name, count in sorted(notes.seen.items()):
        print(f"  {name}: {count}")


if __name__ == "__main__":
    main(float(sys.argv[1]))
