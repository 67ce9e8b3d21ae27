"""Parent end of the JSON-lines RPC with a supervised process."""

import json
import os
import select
import time
from typing import Any

from bench.supervision.process import SupervisedProcess

_READ_BYTES = 64 * 1024
_END_TIMEOUT_S = 2.0
"""How long a process that closed its output may take to end."""


class RpcTimeoutError(Exception):
    """The process runs but did not say what was waited for in time."""


class RpcClient:
    """One JSON object a line, in both directions, with a process started with both pipes."""

    def __init__(self, process: SupervisedProcess) -> None:
        self.process = process
        self._output = process.stdout.fileno()
        self._unread = b""

    def send(self, order: dict[str, Any]) -> None:
        """Send one object. Raises ``ProcessFailed`` if the process has ended."""
        self.send_line(json.dumps(order) + "\n")

    def send_line(self, line: str) -> None:
        """Send one line, newline included; raises as ``say`` does."""
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            self._explain_end()

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """Return the next object; raises as ``receive_line`` does."""
        answer: dict[str, Any] = json.loads(self.receive_line(timeout_s))
        return answer

    def receive_line(self, timeout_s: float) -> str:
        """Return the next line, without its newline.

        Raises ``ProcessFailed`` if the process ends first, ``RpcTimeoutError`` after
        ``timeout_s`` without a whole line.
        """
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            remaining = max(0.0, deadline - time.monotonic())
            # looked at also after the time: this process may have been stopped meanwhile
            if not select.select([self._output], [], [], remaining)[0]:
                raise RpcTimeoutError(f"{self.process.name} said nothing for {timeout_s:g} s")
            data = os.read(self._output, _READ_BYTES)
            if not data:
                self._explain_end()
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def _explain_end(self) -> None:
        self.process.wait(_END_TIMEOUT_S)
        self.process.check()
        raise RpcTimeoutError(f"{self.process.name} closed its standard streams but still runs")
