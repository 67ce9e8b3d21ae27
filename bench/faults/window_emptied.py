"""Restart the API server without the events that clients know: resuming a watch gives 410.

Like ``restart``, but while it is away etcd's revision is moved on, by writes to a key
that belongs to no resource, and its history is compacted up to there. The new API
server's window begins after everything that a client has seen, so that a client that
resumes gets 410 (Expired) and has to read the whole state again.
"""

import base64
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from bench.faults import FaultError
from bench.faults.restart import Restart

WRITES = 50
"""Revisions that the window moves on by: more than one, so that no bookmark can reach it."""
KEY = b"informer-bench/moved-on"
"""Outside of ``/registry/``: no API server reads it."""
TIMEOUT_S = 5.0


class WindowEmptied(Restart):
    """Kill it, compact etcd's history, and restart it."""

    what = "the API server was killed and came back with its event window emptied"

    def begin(self) -> float:
        """Kill it, then move etcd on and compact. Raises ``FaultError`` if etcd fails."""
        killed_s = super().begin()
        key = base64.b64encode(KEY).decode("ascii")
        for number in range(WRITES):
            value = base64.b64encode(b"%d" % number).decode("ascii")
            answer = self._ask_etcd("put", {"key": key, "value": value})
        revision = answer["header"]["revision"]
        self._ask_etcd("compaction", {"revision": revision})
        self.note = f"etcd's history was moved on by {WRITES} revisions and compacted"
        return killed_s

    def _ask_etcd(self, command: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request to etcd's JSON gateway (``/v3/kv/``) and return its answer."""
        url = f"{self.scene.plane.etcd_url}/v3/kv/{command}"
        try:
            answer = urllib3.request("POST", url, json=body, retries=False, timeout=TIMEOUT_S)
        except HTTPError as error:
            raise FaultError(f"etcd did not answer a {command}: {error}") from error
        if answer.status != 200:
            raise FaultError(f"etcd refused a {command}: {answer.status} {answer.data[:200]!r}")
        document: dict[str, Any] = answer.json()
        return document


FAULT = WindowEmptied
