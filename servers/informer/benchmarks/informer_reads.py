"""Reads of 10,000 pods in 100 namespaces, alone and while 1,000 events a second arrive.

python -m servers.informer.benchmarks.informer_reads
"""

import json
import threading
import time

from servers.informer.benchmarks.shapes import pod
from servers.informer.events import EventType
from servers.informer.lister import Lister
from servers.informer.machine import Change, Changes, Output, Replace
from servers.informer.objects import decode_object
from servers.informer.store import Store

PODS = 10_000
EVENTS_PER_S = 1000
SECONDS = 3.0


def reads_per_s(lister: Lister, seconds: float) -> float:
    """Ask for one namespace after another; return queries a second."""
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        lister.list_in(f"ns-{count % 100:03d}")
        count += 1
    return count / (time.perf_counter() - begun)


def write_steadily(store: Store, over: threading.Event) -> None:
    """Apply ``EVENTS_PER_S`` changes a second until told to end."""
    version, due = PODS + 10, time.perf_counter()
    while not over.is_set():
        version += 1
        item = decode_object(json.dumps(pod(version % PODS, version)).encode())
        changes: list[Output] = [Changes([Change(EventType.MODIFIED, item)], str(version))]
        store.apply(None, changes, lambda *_: None)
        due += 1 / EVENTS_PER_S
        time.sleep(max(due - time.perf_counter(), 0))


def main() -> None:
    """Print the ratios."""
    store = Store()
    items = [decode_object(json.dumps(pod(at, at + 1)).encode()) for at in range(PODS)]
    store.apply(None, [Replace(items, str(PODS + 5), "initial")], lambda *_: None)
    lister = Lister(store.snapshot, "pods")
    alone = reads_per_s(lister, SECONDS)
    over = threading.Event()
    writer = threading.Thread(target=write_steadily, args=(store, over))
    writer.start()
    busy = reads_per_s(lister, SECONDS)
    over.set()
    writer.join()
    print(f"namespace query, {PODS:,} pods in 100 namespaces: {1e6 / alone:.1f} us (at most 50)")
    print(f"reads while {EVENTS_PER_S} events/s arrive: {busy / alone:.2f} of alone (0.90)")


if __name__ == "__main__":
    main()
