"""Events from line to stored, indexed and handed to a handler, against typed models; memory a pod.

The peer's figure is what the official informer does to each event on its way
into its cache: the line parsed, the object made into the client's model and
into a mapping, the model stored by key.

    python -m servers.informer.benchmarks.informer_events
"""

import gc
import json
import threading
import time
from collections.abc import Callable

import psutil
from kubernetes.client import ApiClient

from servers.informer.benchmarks.shapes import event, pod
from servers.informer.handlers import Processor, ResourceEventHandlerFuncs
from servers.informer.machine import Answered, Chunk, WatchMachine
from servers.informer.observer import Observer
from servers.informer.resource import Scope
from servers.informer.store import Store

PODS = 4000
CHUNK_EVENTS = 50
PEER_PODS = 1000


def lines(count: int, first_version: int) -> list[bytes]:
    """Return ``count`` events, each of another pod."""
    return [event("ADDED", pod(at, first_version + at)) for at in range(count)]


def ours(events: list[bytes]) -> tuple[float, Store]:
    """Feed events through machine, store and one handler; return events a second."""
    store = Store()
    store.add_indexers({"namespace": lambda item: [item.namespace]})
    processor = Processor(store, Observer())
    done = threading.Event()
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == len(events):
            done.set()

    processor.add(ResourceEventHandlerFuncs(add=count), 0.0, "counter")
    processor.start()
    machine = WatchMachine(Scope(), Observer())
    machine.start()
    machine.step(Answered(200), 0.0)
    end = b'{"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}'
    first, _ = machine.step(Chunk(b'{"type":"BOOKMARK","object":' + end + b"}\n"), 0.0)
    store.apply(None, first, processor.distribute)
    begun = time.perf_counter()
    for at in range(0, len(events), CHUNK_EVENTS):
        chunk = b"".join(events[at : at + CHUNK_EVENTS])
        outputs, _ = machine.step(Chunk(chunk), 0.0)
        store.apply(None, outputs, processor.distribute)
    store.snapshot().by_index("namespace", "ns-001")
    done.wait(60)
    rate = len(events) / (time.perf_counter() - begun)
    processor.stop()
    return rate, store


def peer(events: list[bytes]) -> tuple[float, dict[str, object]]:
    """Take events in as the official informer does; return events a second."""
    client = ApiClient()
    cache: dict[str, object] = {}
    begun = time.perf_counter()
    for one in events:
        decoded = json.loads(one)
        model = client.deserialize(json.dumps(decoded["object"]), "V1Pod", "application/json")
        cache[f"{model.metadata.namespace}/{model.metadata.name}"] = model
    return len(events) / (time.perf_counter() - begun), cache


def memory(fill: Callable[[], object], count: int) -> float:
    """Return the bytes a pod by which this process grew while ``fill``'s result was held."""
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    held = fill()
    gc.collect()
    grown = process.memory_info().rss - before
    del held
    return grown / count


def main() -> None:
    """Print the ratios."""
    mine, theirs = lines(PODS, 10), lines(PEER_PODS, 10)
    size = sum(map(len, mine)) / len(mine)
    our_memory = memory(lambda: ours(mine)[1], PODS)
    peer_memory = memory(lambda: peer(theirs)[1], PEER_PODS)
    our_rate = max(ours(mine)[0] for _ in range(3))
    peer_rate = max(peer(theirs)[0] for _ in range(2))
    print(f"pods of {size:,.0f} bytes")
    print(f"events taken in: {our_rate:,.0f}/s against {peer_rate:,.0f}/s typed")
    print(f"  ratio {our_rate / peer_rate:.1f} (at least 8)")
    print(f"memory a pod: {our_memory:,.0f} B against {peer_memory:,.0f} B typed")
    print(f"  ratio {our_memory / peer_memory:.3f} (at most 0.15)")


if __name__ == "__main__":
    main()
