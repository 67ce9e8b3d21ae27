"""A flawed server: ``python -m bench.selftest.proxy FLAW [MEASURE ...] -- COMMAND``.

Starts the command, a server of this project, and serves the same on 127.0.0.1:$PORT, with a flaw
in its reads of pods. Everything else is handed on as it is.
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

HANDED_ON = ("Content-Type", "X-Resource-Version", "Retry-After")
PODS = re.compile(r"/pods([/?]|$)")
TIMEOUT_S = 30.0
WRITE_BYTES = 1 << 16
"""Head and body leave in one piece: two small ones would wait for each other's acknowledgement."""


class Server(ThreadingHTTPServer):
    """Takes bursts: a stall's end brings many at once."""

    request_queue_size = 1024
    daemon_threads = True


def asking(address: str) -> Ask:
    """Return what asks the faithful server at ``address``, over a connection a request under way.

    Raises urllib3's ``HTTPError`` without an answer.
    """
    pool = urllib3.connection_from_url(
        f"http://{address}", maxsize=Server.request_queue_size, retries=False
    )

    def ask(path: str) -> Answer:
        answer = pool.request("GET", path, timeout=TIMEOUT_S)
        kept = ((name, answer.headers[name]) for name in HANDED_ON if name in answer.headers)
        return Answer(answer.status, tuple(kept), answer.data)

    return ask


def handler_of(flaw: Flaw, ask: Ask) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers with ``flaw``."""

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
    assert process.stdout is not None, "it is piped"
    handler = handler_of(flaw, asking(_announced(process.stdout)))
    threading.Thread(target=_hand_on, args=(process.stdout,), daemon=True).start()
    threading.Thread(target=_end_with, args=(process,), daemon=True).start()
    Server(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()


def _announced(output: IO[str]) -> str:
    for line in output:
        print(line, end="", flush=True)
        if found := ADDRESS.search(line):
            return urlsplit(found.group(0)).netloc
    sys.exit("the faithful server ended before it said where it listens")


def _hand_on(output: IO[str]) -> None:
    for line in output:
        print(line, end="", flush=True)


def _end_with(process: "subprocess.Popen[str]") -> None:
    code = process.wait()
    print(f"the faithful server ended with exit code {code}", file=sys.stderr, flush=True)
    os._exit(1)  # the serving thread cannot be told from here


if __name__ == "__main__":
    main(sys.argv[1:])
