"""Speed of reads of 10,000 pods in 100 namespaces, alone and at 1,000 events per second.

Events arrive as lines and pass through machine and store.

    python -m bench.microbench.informer_reads
"""

import statistics
import threading
import time

import msgspec

from bench.microbench.informer_shapes import event, pod, synced_machine
from kube_informer.lister import Lister
from kube_informer.objects import decode_object
from kube_informer.steps import Chunk, Replace
from kube_informer.store import Store

PODS = 10_000
EVENTS_PER_S = 1000
SECONDS = 2.0
ROUNDS = 5


class Stream:
    """Events to feed, made before the measurement."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._machine, _ = synced_machine()
        count = int(EVENTS_PER_S * SECONDS * ROUNDS * 1.2)
        versions = range(PODS + 10, PODS + 10 + count)
        self._events = iter([event("MODIFIED", pod(v * 7 % PODS, v)) for v in versions])

    def arrive(self, over: threading.Event) -> None:
        """Take in ``EVENTS_PER_S`` events per second until ``over`` is set."""
        due = time.perf_counter()
        while not over.is_set():
            outputs, _ = self._machine.step(Chunk(next(self._events)), 0.0)
            self._store.apply(None, outputs, lambda *_: None)
            due += 1 / EVENTS_PER_S
            time.sleep(max(due - time.perf_counter(), 0))


def reads_per_s(lister: Lister, seconds: float) -> float:
    """Query one namespace after another; return queries per second."""
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        lister.list_in(f"ns-{count % 100:03d}")
        count += 1
    return count / (time.perf_counter() - begun)


def reads_while_events_arrive(lister: Lister, stream: Stream, seconds: float) -> float:
    """Return queries per second while the stream arrives."""
    over = threading.Event()
    writer = threading.Thread(target=stream.arrive, args=(over,))
    writer.start()
    try:
        return reads_per_s(lister, seconds)
    finally:
        over.set()
        writer.join()


def main() -> None:
    """Print the ratios."""
    store = Store()
    items = [decode_object(msgspec.json.encode(pod(n, n + 1))) for n in range(PODS)]
    store.apply(None, [Replace(items, str(PODS + 5), "initial")], lambda *_: None)
    lister, stream = Lister(store.snapshot, "pods"), Stream(store)
    pairs = [
        (
            reads_per_s(lister, SECONDS),
            reads_while_events_arrive(lister, stream, SECONDS),
        )
        for _ in range(ROUNDS)
    ]
    alone = statistics.median(first for first, _ in pairs)
    ratio = statistics.median(busy / first for first, busy in pairs)
    print(f"namespace query, {PODS:,} pods in 100 namespaces: {1e6 / alone:.1f} us (at most 50)")
    print(f"reads while {EVENTS_PER_S} events/s arrive: {ratio:.2f} of alone (at least 0.90)")


if __name__ == "__main__":
    main()
