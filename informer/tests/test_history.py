"""Property: whatever happens to the stream, the cache ends up as the server's state.

A little API server (a log of events, a window of it that is kept) is asked by
the machine's actions; cuts, expiries, refusals, repeats and servers that do not
serve one thing or another come at random. Several objects may go in one revision,
as those of an etcd lease do.

    python -m informer.tests.test_history 600     for so many seconds, with figures
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
"""Zeros in the versions of some histories: more digits than Python turns into a number."""


def refused(answer: dict[str, Any]) -> Answered:
    return Answered(answer["code"], json.dumps(answer).encode())


@dataclass
class Server:
    """State, its history, and how far back a watch may begin.

    ``fill`` is how it takes the wish for a streamed fill: "serves", a status, or
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
        """Return a version as it is sent."""
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
        # Some servers tell a deletion with the version of the object's last state.
        own = self.random.random() < 0.2
        version = last["resourceVersion"] if own else self.text(self.version)
        self._log("DELETED", pod(name, version, uid=last["uid"]))

    def forget(self) -> None:
        """Keep nothing of the past."""
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
            # Refused, told in the stream, or closed without a word (fabric8#7896).
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
            self.pending += b"".join(data for at, data in self.log if at > self.sent_to)
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
        """A list, in pages where it is asked for: the later ones expire with the past."""
        names = sorted(self.state)
        token = query.get("continue", "")
        at, version = 0, self.version
        if token:
            at, version = (int(part) for part in token.split(":"))
            if version < max(self.kept_from, self.version):
                return refused(EXPIRED)
        chosen, rest = names[at : at + self.pages], names[at + self.pages :]
        if "limit" not in query:
            chosen, rest = names, []
        if not (token and rest and self.loops):
            token = f"{at + self.pages}:{version}" if rest else ""
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
    """Return a fault in place of what would come of ``action``, or ``None``."""
    trouble = faults.random()
    if trouble < 0.1:
        signal = faults.choice([Signal.BROKE, Signal.SILENT, Signal.UNREACHABLE])
        asked = isinstance(action, OpenWatch | GetList | Read | CheckVersion)
        return Broke("cut", signal) if asked else Woke()
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
    store, told = Store(), []
    stream_initial = faults.random() < 0.6
    machine = WatchMachine(Scope(), notes, random_source=Random(1), stream_initial=stream_initial)
    action, now = machine.start(), 0.0
    quiet = 0
    while writes or quiet < 80:
        if writes and faults.random() < 0.5:
            server.write()
            writes -= 1
        calm = not writes
        quiet += calm and not isinstance(action, Read)  # how many pieces a body comes in is chance
        now += 1.0
        came = None if calm else disturbed(action, faults)
        if came is None:
            if isinstance(action, OpenWatch):
                came = server.open(action.query)
            elif isinstance(action, GetList):
                server.loops = not calm and faults.random() < 0.1
                came = server.list(action.query)
                if not calm and faults.random() < 0.03:
                    server.pending = b"<html>log in</html>"
            elif isinstance(action, CheckVersion):
                came = server.answer({"limit": "1"})
            else:
                came = server.read() if isinstance(action, Read) else Woke()
        if not calm and faults.random() < 0.03:
            server.forget()
        outputs, action = machine.step(came, now)
        store.apply(None, outputs, lambda deltas, _: told.extend(deltas))
    return store, told, machine


FILLS = ("serves", "serves", "unannotated", "silent", "early", "nonsense", 400, 403, 422, 500, 501)


def check(seed: int, writes: int, fill: str | int, pages: int, long: bool, notes: Notes) -> None:
    server = Server(Random(seed), fill, long, pages)
    store, told, machine = drive(server, Random(seed + 1), writes, notes)
    wanted = {f"a/{name}": item["metadata"] for name, item in server.state.items()}
    assert wanted == {item.key: item.decode()["metadata"] for item in store.snapshot()}
    assert machine.filled
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
        version = int(item.resource_version[-9:])
        assert version > latest.get(item.key, 0), "told out of order"
        latest[item.key] = version
        replayed[item.key] = item.resource_version
    assert {key: one["resourceVersion"] for key, one in wanted.items()} == replayed


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
    """Try histories for so many seconds; print how many, and what happened in them."""
    notes, choice, tried = Notes(), Random(), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
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
