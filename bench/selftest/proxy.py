"""A flawed server: ``python -m bench.selftest.proxy FLAW [MEASURE ...] -- COMMAND``.

Starts the command, a server of this project, reads from its output where it
listens, and serves the same on 127.0.0.1:$PORT, with a flaw in its reads of
pods. Everything else is handed on as it is. Started as any external server is.
"""

import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import urlsplit

from bench.selftest.flaws import FLAWS, Answer, Faithful, Flaw
from bench.sut.launch import ADDRESS
from bench.sut.registry import ROOT

HANDED_ON = ("Content-Type", "X-Resource-Version", "Retry-After")
PODS = re.compile(r"/pods([/?]|$)")
TIMEOUT_S = 30.0
WRITE_BYTES = 1 << 16
"""Head and body leave in one piece: two small ones would wait for each other's acknowledgement."""


class Upstream:
    """Asks the faithful server, over one connection a thread."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._own = threading.local()

    def ask(self, path: str) -> Answer:
        """Return the answer to ``path``. Raises ``OSError`` or ``HTTPException`` without one."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)
            self._own.connection = connection
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        headers = tuple(
            (name, value) for name in HANDED_ON if (value := response.getheader(name)) is not None
        )
        return Answer(response.status, headers, body)


class Server(ThreadingHTTPServer):
    """Takes bursts: a stall's end brings many at once."""

    request_queue_size = 1024
    daemon_threads = True


def handler_of(flaw: Flaw, upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers with ``flaw``."""
    faithful = Faithful()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = WRITE_BYTES

        def do_GET(self) -> None:
            """Answer, or hang up."""
            answering = flaw if PODS.match(self.path) else faithful
            answer = answering.answer(self.path, upstream.ask)
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


def listening(port: int, flaw: Flaw, address: str) -> Server:
    """Return a server with ``flaw`` before the one at ``address`` (host:port); it listens."""
    return Server(("127.0.0.1", port), handler_of(flaw, Upstream(address)))


def main(arguments: Sequence[str]) -> None:
    """Start the command and serve until ended."""
    split = list(arguments).index("--")
    name, *measures = arguments[:split]
    flaw = FLAWS[name](*map(float, measures))
    process = subprocess.Popen(
        arguments[split + 1 :], cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None, "it is piped"
    address = _announced(process.stdout)
    threading.Thread(target=_hand_on, args=(process.stdout,), daemon=True).start()
    threading.Thread(target=_end_with, args=(process,), daemon=True).start()
    listening(int(os.environ["PORT"]), flaw, address).serve_forever()


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
