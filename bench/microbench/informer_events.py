"""Speed of taking in events, from line to handler, and memory per pod, of ours and the peer.

Both get the same lines, one event per piece as an API server sends them, and
process them fully: the peer is the official client's informer itself.

    python -m bench.microbench.informer_events
"""

import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import psutil
from kubernetes.informer import ADDED
from kubernetes.informer import SharedInformer as OfficialInformer

from bench.microbench.informer_shapes import event, pod, synced_machine
from kube_informer.handlers import Processor, ResourceEventHandlerFuncs
from kube_informer.observer import Observer
from kube_informer.steps import Chunk
from kube_informer.store import Store

PODS = 4000
PEER_PODS = 1000
ROUNDS = 3
WAIT_S = 120.0


class _Answer:
    """The part of a response that the official ``Watch`` uses: its pieces, and ``close``."""

    status = 200

    def __init__(self, pieces: Sequence[bytes], over: threading.Event) -> None:
        self._pieces = pieces
        self._over = over

    def stream(self, amt: int | None = None, *, decode_content: bool = False) -> Iterator[bytes]:  # noqa: ARG002 - urllib3's signature
        yield from self._pieces
        self._over.wait()

    def close(self) -> None:
        """Nothing is open."""

    release_conn = close


class OfficialFeed:
    """The official informer over a watch's ``pieces``; ``done`` is set when a handler got all."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._over = threading.Event()
        self._seen = 0
        self.done = threading.Event()
        make: Callable[..., Any] = OfficialInformer
        self.informer = make(list_func=self._list_pods)
        self.informer.add_event_handler(ADDED, self._count)

    def stop(self) -> None:
        """End the informer's thread."""
        self._over.set()
        self.informer.stop()

    def _list_pods(self, *, watch: bool = False, **_: object) -> Any:  # noqa: ANN401 - either answer
        """Return no pod for the list, and the pieces for the watch.

        The official ``Watch`` reads the type of the objects here.

        :rtype: V1PodList
        """
        if watch:
            return _Answer(self._pieces, self._over)
        return SimpleNamespace(items=[], metadata=SimpleNamespace(resource_version="1"))

    def _count(self, _: object) -> None:
        self._seen += 1
        if self._seen == len(self._pieces):
            self.done.set()


def lines(count: int, first_version: int) -> list[bytes]:
    """Return ``count`` events, each of another pod."""
    return [event("ADDED", pod(number, first_version + number)) for number in range(count)]


def ours(pieces: list[bytes]) -> tuple[float, Store]:
    """Feed pieces through machine, store, index and one handler; return events per second."""
    store = Store()
    store.add_indexers({"namespace": lambda item: [item.namespace]})
    processor = Processor(store, Observer())
    done = threading.Event()
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == len(pieces):
            done.set()

    processor.add(ResourceEventHandlerFuncs(add=count), 0.0, "counter")
    processor.start()
    machine, first = synced_machine()
    store.apply(None, first, processor.distribute)
    begun = time.perf_counter()
    for piece in pieces:
        outputs, _ = machine.step(Chunk(piece), 0.0)
        store.apply(None, outputs, processor.distribute)
    store.snapshot().by_index("namespace", "ns-001")
    if not done.wait(WAIT_S):
        raise SystemExit("our handler did not get every event")
    rate = len(pieces) / (time.perf_counter() - begun)
    processor.stop()
    return rate, store


def peer(pieces: list[bytes]) -> tuple[float, object]:
    """Feed pieces to the official informer; return events per second, and its cache."""
    feed = OfficialFeed(pieces)
    begun = time.perf_counter()
    feed.informer.start()
    if not feed.done.wait(WAIT_S):
        raise SystemExit("the official informer did not deliver every event")
    rate = len(pieces) / (time.perf_counter() - begun)
    feed.stop()
    return rate, feed.informer.cache


def memory(fill: Callable[[], object], count: int) -> float:
    """Return the growth of this process in bytes per pod, with ``fill``'s result in memory."""
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    filled = fill()
    gc.collect()
    grown = process.memory_info().rss - before
    del filled
    return grown / count


def main() -> None:
    """Print the ratios."""
    mine, theirs = lines(PODS, 10), lines(PEER_PODS, 10)
    size = sum(map(len, mine)) / len(mine)
    our_memory = memory(lambda: ours(mine)[1], PODS)
    peer_memory = memory(lambda: peer(theirs)[1], PEER_PODS)
    pairs = [(ours(mine)[0], peer(theirs)[0]) for _ in range(ROUNDS)]
    ratio = statistics.median(our_rate / peer_rate for our_rate, peer_rate in pairs)
    our_rate, peer_rate = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    print(f"pods of {size:,.0f} bytes")
    print(f"events taken in: {our_rate:,.0f}/s against {peer_rate:,.0f}/s of the official informer")
    print(f"  ratio {ratio:.1f} (at least 14)")
    print(f"memory a pod: {our_memory:,.0f} B against {peer_memory:,.0f} B")
    print(f"  ratio {our_memory / peer_memory:.3f} (at most 0.15)")


if __name__ == "__main__":
    main()
