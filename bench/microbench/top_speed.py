"""Read speed of the load generator, side by side with Locust's own user.

``python -m bench.microbench.top_speed``

Both read in turn, in the same run, each in its own process, from a small server that
sends one synthetic body from memory. Only the ratio is a claim.
"""

import argparse
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.load.driver import Load, LoadDriver
from bench.model import Targets
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

TARGETS = Targets(("default",), (("default", "pod"),), ("a=b",))
_POD_BYTES = 4400
_CHUNK_BYTES = 4096


def main() -> None:
    """Compare the two and print ratios, or run as the server or the stock user."""
    arguments = _parser().parse_args()
    if arguments.part == "server":
        serve(body_of(arguments.pods), chunked=arguments.chunked)
    elif arguments.part == "stock":
        print(json.dumps(stock(arguments.url, arguments.users, arguments.seconds)))
    else:
        _compare(arguments)


def body_of(pods: int) -> bytes:
    """Return an answer of ``pods`` entries of 4.4 KB, as the servers under test give it."""
    pod = {"metadata": {"name": "pod", "namespace": "default"}, "filling": ""}
    pod["filling"] = "x" * (_POD_BYTES - len(json.dumps(pod)) - 2)
    return json.dumps({"code": 200, "message": "pong", "result": [pod] * pods}).encode()


def serve(body: bytes, *, chunked: bool) -> None:
    """Answer every request with ``body``, one thread per connection; print the port first."""
    header = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    if chunked:
        chunks = [body[n : n + _CHUNK_BYTES] for n in range(0, len(body), _CHUNK_BYTES)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        answer = header + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"
    else:
        answer = header + b"Content-Length: %d\r\n\r\n" % len(body) + body
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
            return  # the client has closed


def stock(url: str, users: int, seconds: float) -> tuple[float, float]:
    """Return (answers per second, CPU ms per answer) of Locust's stock FastHttpUser."""
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
    """Return (answers per second, CPU ms per answer) of this project's closed model."""
    from bench.microbench.side_by_side import measure

    load = Load("list-all", (url,), users, TARGETS)
    with LoadDriver(load, out=folder, watchdog=watchdog) as driver:
        driver.warm_up(1.0)
        measured = measure(driver, seconds)
    return measured.achieved_rps, 1e3 * measured.cpu_s / measured.answered


def _compare(arguments: argparse.Namespace) -> None:
    # here, because the stock user's process must not have imported ssl before it is patched
    from bench.microbench.side_by_side import in_turn, line, ratios, supervised

    users, seconds = arguments.users, arguments.seconds
    print(f"{users} connections, {arguments.rounds} rounds of {seconds:g} s")
    with supervised() as (watchdog, folder):
        for pods, chunked in ((1000, False), (1000, True), (10, False)):
            with serving(pods, watchdog, folder, chunked=chunked) as url:
                contenders = {
                    "this project": partial(ours, url, users, seconds, watchdog, folder),
                    "Locust's FastHttpUser": partial(_stock_apart, url, users, seconds),
                }
                results = in_turn(contenders, arguments.rounds)
            name = f"{len(body_of(pods)) / 1e6:.2f} MB{' chunked' if chunked else ''}"
            print(f"\n{f'body of {name}':48} median (lowest, highest)")
            for contender, rounds in results.items():
                line(f"{contender}: answers a second", (rate for rate, _ in rounds))
                line(f"{contender}: CPU an answer, ms", (cpu_ms for _, cpu_ms in rounds))
            rates = ([rate for rate, _ in rounds] for rounds in results.values())
            line("ratio of answers", ratios(*rates))


def _stock_apart(url: str, users: int, seconds: float) -> tuple[float, float]:
    """Run the stock user in its own process, because importing Locust changes a process."""
    argv = [sys.executable, "-m", __spec__.name, "stock", "--url", url]
    argv += ["--users", str(users), "--seconds", str(seconds)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    rps, cpu_ms = json.loads(done.stdout)
    return rps, cpu_ms


@contextmanager
def serving(pods: int, watchdog: Watchdog, folder: Path, *, chunked: bool) -> Iterator[str]:
    """Run the server as its own process with an answer of ``pods`` entries; give its URL."""
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
    parser.add_argument("--pods", type=int, default=1000, help="for the server's body")
    parser.add_argument("--chunked", action="store_true", help="for the server's body")
    parser.add_argument("--url", help="URL of the stock user's server")
    return parser


if __name__ == "__main__":
    main()
