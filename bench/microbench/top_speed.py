"""Read speed of the load generator, side by side with Locust's own user.

``python -m bench.microbench.top_speed``

A small server that sends one made-up body from memory is asked by both in turn,
in the same run, each in a process of its own. Only the ratio is a claim.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load.driver import Load, LoadDriver
from bench.model import Targets
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

_POD_BYTES = 4400
_CHUNK_BYTES = 4096


def main() -> None:
    """Compare the two and print ratios, or play the server's or the stock user's part."""
    arguments = _parser().parse_args()
    if arguments.part == "server":
        serve(body_of(arguments.pods), chunked=arguments.chunked)
    elif arguments.part == "stock":
        print(json.dumps(stock(arguments.url, arguments.users, arguments.seconds)))
    else:
        _compare(arguments)


def body_of(pods: int) -> bytes:
    """Return an answer of so many entries of 4.4 KB, such as the servers under test give."""
    pod = {"metadata": {"name": "pod", "namespace": "default"}, "filling": ""}
    pod["filling"] = "x" * (_POD_BYTES - len(json.dumps(pod)) - 2)
    return json.dumps({"code": 200, "message": "pong", "result": [pod] * pods}).encode()


def serve(body: bytes, *, chunked: bool) -> None:
    """Answer every request with ``body``, one thread a connection; print the port first."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    if chunked:
        pieces = [body[at : at + _CHUNK_BYTES] for at in range(0, len(body), _CHUNK_BYTES)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        answer = head + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"
    else:
        answer = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer_all, args=(connection, answer), daemon=True).start()


def _answer_all(connection: socket.socket, answer: bytes) -> None:
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while connection.recv(4096):  # each request comes in one piece
                connection.sendall(answer)
        except ConnectionError:
            return  # the client has had enough


def stock(url: str, users: int, seconds: float) -> tuple[float, float]:
    """Return (answers a second, CPU ms an answer) of Locust's stock FastHttpUser."""
    import gevent
    from locust import FastHttpUser, task
    from locust.env import Environment

    class Reader(FastHttpUser):
        host = url

        @task
        def read(self) -> None:
            self.client.get("/pods")

    environment = Environment(user_classes=[Reader])
    runner = environment.create_local_runner()
    runner.start(user_count=users, spawn_rate=users, wait=True)
    gevent.sleep(1.0)
    begin, cpu, count = time.monotonic(), time.process_time(), environment.stats.total.num_requests
    gevent.sleep(seconds)
    answers = environment.stats.total.num_requests - count
    elapsed_s, cpu_s = time.monotonic() - begin, time.process_time() - cpu
    failures = environment.stats.total.num_failures
    runner.quit()
    if failures:
        raise SystemExit(f"{failures} requests of the stock user failed")
    return answers / elapsed_s, 1e3 * cpu_s / answers


def ours(
    url: str, users: int, seconds: float, watchdog: Watchdog, folder: Path
) -> tuple[float, float]:
    """Return (answers a second, CPU ms an answer) of this project's closed model."""
    targets = Targets(namespaces=("default",), pods=(("default", "pod"),), label_selectors=("a=b",))
    load = Load("list-all", (url,), users, targets)
    with LoadDriver(load, out=folder, watchdog=watchdog) as driver:
        driver.warm_up(1.0)
        measured = driver.measure(seconds)
    if measured.failed:
        raise SystemExit(f"requests failed: {measured.first_failures}")
    return measured.achieved_rps, 1e3 * measured.cpu_s / measured.answered


def _compare(arguments: argparse.Namespace) -> None:
    print(f"{arguments.users} connections, {arguments.rounds} rounds of {arguments.seconds:g} s")
    print("body            ours/s  CPU ms   stock/s  CPU ms   ratio (median; lowest, highest)")
    with Watchdog() as watchdog, tempfile.TemporaryDirectory() as folder:
        for pods, chunked in ((1000, False), (1000, True), (10, False)):
            name = f"{len(body_of(pods)) / 1e6:.2f} MB{' chunked' if chunked else ''}"
            with serving(pods, watchdog, Path(folder), chunked=chunked) as url:
                _compare_on(url, name, arguments, watchdog, Path(folder))


def _compare_on(
    url: str, name: str, arguments: argparse.Namespace, watchdog: Watchdog, folder: Path
) -> None:
    users, seconds = arguments.users, arguments.seconds
    pairs = []
    for _ in range(arguments.rounds):
        mine = ours(url, users, seconds, watchdog, folder)
        theirs = _stock_apart(url, users, seconds)
        pairs.append((mine, theirs))
    ratios = sorted(mine[0] / theirs[0] for mine, theirs in pairs)
    figures = [statistics.median(pair[who][what] for pair in pairs) for who, what in _COLUMNS]
    print(
        f"{name:15} {figures[0]:6.0f}  {figures[1]:6.2f}   {figures[2]:7.0f}  {figures[3]:6.2f}   "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}, {ratios[-1]:.2f})"
    )


_COLUMNS = ((0, 0), (0, 1), (1, 0), (1, 1))


def _stock_apart(url: str, users: int, seconds: float) -> tuple[float, float]:
    """Run the stock user in a process of its own: importing Locust changes a process."""
    argv = [sys.executable, "-m", __spec__.name, "stock", "--url", url]
    argv += ["--users", str(users), "--seconds", str(seconds)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    rps, cpu_ms = json.loads(done.stdout)
    return rps, cpu_ms


@contextmanager
def serving(pods: int, watchdog: Watchdog, folder: Path, *, chunked: bool) -> Iterator[str]:
    """Run the server as a process of its own with an answer of ``pods`` entries; give its URL."""
    argv = [sys.executable, "-m", __spec__.name, "server", "--pods", str(pods)]
    argv += ["--chunked"] if chunked else []
    log = folder / "server.log"
    with SupervisedProcess.start(
        "server", argv, log=log, watchdog=watchdog, pipe_stdout=True
    ) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.microbench.top_speed", description=__doc__
    )
    parser.add_argument(
        "part", nargs="?", choices=["compare", "server", "stock"], default="compare"
    )
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pods", type=int, default=1000, help="of the server's body")
    parser.add_argument("--chunked", action="store_true", help="of the server's body")
    parser.add_argument("--url", help="of the stock user's server")
    return parser


if __name__ == "__main__":
    main()
