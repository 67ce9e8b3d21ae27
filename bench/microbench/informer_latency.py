"""Latency from an event's last byte to the handler's call, at 100 events per second over loopback.

The sender is its own process, so that the informer's is otherwise idle; both
read the same monotonic clock of the machine.

python -m bench.microbench.informer_latency
"""

import multiprocessing
import socket
import statistics
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from bench.microbench.informer_shapes import event, pod
from kube_informer import ClientConfig
from kube_informer.handlers import ResourceEventHandlerFuncs
from kube_informer.informer import SharedInformer
from kube_informer.objects import CachedObject
from kube_informer.resource import PODS
from kube_informer.transport import Transport

EVENTS = 1000
RATE_PER_S = 100


def serve(listener: socket.socket, begin: Event, times: Connection) -> None:
    """Answer one watch: an empty initial state, then events at a steady rate; send their times."""
    sent_at: dict[str, float] = {}
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send(data: bytes) -> None:
        connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    end = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
    send(event("BOOKMARK", {"metadata": end}))
    begin.wait(60)
    due = time.perf_counter()
    for number in range(EVENTS):
        data = event("ADDED", pod(number, number + 2))
        time.sleep(max(due - time.perf_counter(), 0))
        sent_at[f"pod-{number:05d}"] = time.perf_counter()
        send(data)
        due += 1 / RATE_PER_S
    times.send(sent_at)


def main() -> None:
    """Print the percentiles in milliseconds."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen_at: dict[str, float] = {}
    done = threading.Event()

    def note(obj: CachedObject, _: bool) -> None:
        seen_at[obj.name] = time.perf_counter()
        if len(seen_at) == EVENTS:
            done.set()

    processes = multiprocessing.get_context("spawn")
    begin, (ours, theirs) = processes.Event(), processes.Pipe()
    sender = processes.Process(target=serve, args=(listener, begin, theirs), daemon=True)
    sender.start()
    config = ClientConfig(f"http://127.0.0.1:{listener.getsockname()[1]}")
    informer = SharedInformer(Transport(config), PODS, stream_initial=True)
    informer.add_event_handler(ResourceEventHandlerFuncs(add=note))
    informer.start()
    informer.wait_for_cache_sync(10)
    begin.set()
    if not done.wait(60):
        raise SystemExit(f"the handler got {len(seen_at)} of {EVENTS} events")
    sent_at: dict[str, float] = ours.recv()
    sender.join()
    informer.stop()
    cuts = statistics.quantiles([seen_at[name] - sent_at[name] for name in sent_at], n=100)
    p50, p99 = 1e3 * cuts[49], 1e3 * cuts[98]
    print(f"event to handler at {RATE_PER_S}/s: p50 {p50:.2f} ms, p99 {p99:.2f} ms (at most 1)")


if __name__ == "__main__":
    main()
