"""From an event's last byte to the handler's call, at 100 events a second over loopback.

python -m servers.informer.benchmarks.informer_latency
"""

import json
import socket
import statistics
import threading
import time

from kubernetes.client import Configuration

from servers.informer.benchmarks.shapes import event, pod
from servers.informer.handlers import ResourceEventHandlerFuncs
from servers.informer.informer import SharedInformer
from servers.informer.objects import CachedObject
from servers.informer.resource import PODS
from servers.informer.transport import Transport

EVENTS = 1000
RATE_PER_S = 100


def serve(listener: socket.socket, sent_at: dict[str, float], begin: threading.Event) -> None:
    """Answer one watch: an empty initial state, then events at a steady rate."""
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send(data: bytes) -> None:
        connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    end = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
    send(json.dumps({"type": "BOOKMARK", "object": {"metadata": end}}).encode() + b"\n")
    begin.wait()
    due = time.perf_counter()
    for at in range(EVENTS):
        data = event("ADDED", pod(at, at + 2))
        time.sleep(max(due - time.perf_counter(), 0))
        sent_at[f"pod-{at:05d}"] = time.perf_counter()
        send(data)
        due += 1 / RATE_PER_S


def main() -> None:
    """Print the percentiles in milliseconds."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent_at: dict[str, float] = {}
    delays: list[float] = []
    begin, done = threading.Event(), threading.Event()

    def note(obj: CachedObject, _: bool) -> None:
        delays.append(time.perf_counter() - sent_at[obj.name])
        if len(delays) == EVENTS:
            done.set()

    threading.Thread(target=serve, args=(listener, sent_at, begin), daemon=True).start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{listener.getsockname()[1]}"
    informer = SharedInformer(Transport(configuration), PODS)
    informer.add_event_handler(ResourceEventHandlerFuncs(add=note))
    informer.start()
    informer.wait_for_cache_sync(10)
    begin.set()
    done.wait(60)
    informer.stop()
    cuts = statistics.quantiles(delays, n=100)
    p50, p99 = 1e3 * cuts[49], 1e3 * cuts[98]
    print(f"event to handler at {RATE_PER_S}/s: p50 {p50:.2f} ms, p99 {p99:.2f} ms (at most 1)")


if __name__ == "__main__":
    main()
