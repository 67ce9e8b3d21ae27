"""Flawed server: ``python -m bench.selftest.proxy FLAW [MEASURE ...] -- COMMAND``.

Starts the command, a server of this project, and serves its answers on 127.0.0.1:$PORT, with a
flaw in the reads of pods. It passes on everything else unchanged.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import urlsplit

import urllib3

from bench.selftest.flaws import FLAWS, Answer, Ask, Flaw
from bench.sut.launch import ADDRESS
from bench.sut.registry import ROOT

PASSED_ON = ("Content-Type", "X-Resource-Version", "Retry-After")
PODS = re.compile(r"/pods([/?]|$)")
TIMEOUT_S = 30.0
WRITE_BYTES = 1 << 16
"""Head and body leave in one packet: a second small one would wait for an acknowledgement."""


class Server(ThreadingHTTPServer):
    """Accepts bursts: the end of a stall brings many connections at once."""

    request_queue_size = 1024
    daemon_threads = True


def asking(address: str) -> Ask:
    """Return a function that asks the faithful server at ``address``, on concurrent connections.

    The function raises urllib3's ``HTTPError`` without an answer.
    """
    pool = urllib3.connection_from_url(
        f"http://{address}", maxsize=Server.request_queue_size, retries=False
    )

    def ask(path: str) -> Answer:
        answer = pool.request("GET", path, timeout=TIMEOUT_S)
        headers = ((name, answer.headers[name]) for name in PASSED_ON if name in answer.headers)
        return Answer(answer.status, tuple(headers), answer.data)

    return ask


def handler_of(flaw: Flaw, ask: Ask) -> type[BaseHTTPRequestHandler]:
    """Return the handler class that answers with ``flaw``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = WRITE_BYTES

        def do_GET(self) -> None:
            """Answer, or hang up."""
            answer = flaw(self.path, ask) if PODS.match(self.path) else ask(self.path)
            if answer is None:
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    return Handler


def main(arguments: Sequence[str]) -> None:
    """Start the command and serve until ended."""
    split = list(arguments).index("--")
    name, *measures = arguments[:split]
    flaw = FLAWS[name](*map(float, measures))
    process = subprocess.Popen(
        arguments[split + 1 :], cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None, "stdout is piped"
    handler = handler_of(flaw, asking(_announced_address(process.stdout)))
    threading.Thread(target=_pass_on, args=(process.stdout,), daemon=True).start()
    threading.Thread(target=_end_with, args=(process,), daemon=True).start()
    Server(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()


def _announced_address(output: IO[str]) -> str:
    for line in output:
        print(line, end="", flush=True)
        if match := ADDRESS.search(line):
            return urlsplit(match.group(0)).netloc
    sys.exit("the faithful server ended before it said where it listens")


def _pass_on(output: IO[str]) -> None:
    for line in output:
        print(line, end="", flush=True)


def _end_with(process: "subprocess.Popen[str]") -> None:
    code = process.wait()
    print(f"the faithful server ended with exit code {code}", file=sys.stderr, flush=True)
    os._exit(1)  # this thread cannot end the serving one


if __name__ == "__main__":
    main(sys.argv[1:])
