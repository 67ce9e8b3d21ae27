"""Parent end of the JSON-lines RPC with a supervised process."""

import os
import select
import time
from typing import Any

import msgspec

from bench.supervision.process import SupervisedProcess

_READ_BYTES = 64 * 1024
_END_TIMEOUT_S = 2.0
"""How long a process that closed its output may take to end."""


class RpcTimeoutError(Exception):
    """Raised when the process runs but did not send the expected line in time."""


class RpcClient:
    """One JSON object per line, in both directions, with a process started with both pipes."""

    def __init__(self, process: SupervisedProcess) -> None:
        self.process = process
        self._output = process.stdout.fileno()
        self._unread = b""

    def send(self, order: object) -> None:
        """Send one object. Raises ``ProcessFailed`` if the process has ended."""
        try:
            self.process.stdin.write(msgspec.json.encode(order).decode() + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self._explain_end()

    def expect(self, event: str, timeout_s: float) -> dict[str, Any]:
        """Return the next object, which must have ``event``, without it. Raises as ``receive``."""
        answer: dict[str, Any] = self.receive(timeout_s)
        if answer.pop("event", None) != event:
            raise RuntimeError(f"{self.process.name} said {answer!r} instead of {event!r}")
        return answer

    def receive(self, timeout_s: float, kind: Any = Any) -> Any:  # noqa: ANN401 - one of ``kind``
        """Return the next object, as one of ``kind``, a type that msgspec reads.

        Raises ``ProcessFailed`` if the process ends first, ``RpcTimeoutError`` after
        ``timeout_s`` without a whole line, ``msgspec.DecodeError`` if it is another object.
        """
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            remaining = max(0.0, deadline - time.monotonic())
            # polled once more after the timeout: this process may have been stopped meanwhile
            if not select.select([self._output], [], [], remaining)[0]:
                raise RpcTimeoutError(f"{self.process.name} said nothing for {timeout_s:g} s")
            data = os.read(self._output, _READ_BYTES)
            if not data:
                self._explain_end()
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return msgspec.json.decode(line, type=kind)

    def _explain_end(self) -> None:
        self.process.wait(_END_TIMEOUT_S)
        self.process.check()
        raise RpcTimeoutError(f"{self.process.name} closed its standard streams but still runs")
