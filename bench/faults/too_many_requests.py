"""Let the API server answer 429 to the servers under test, by a full priority level.

A FlowSchema sends their requests to a separate PriorityLevelConfiguration, with no
shares, nothing to borrow, and no queue (``Reject``). Such a level still runs one
request at a time: the API server never lets a level starve. During the fault, that
seat is held by a request of ours, whose body never comes.

Only new requests are refused. An open watch returned its seat when it was set up, and
continues: this fault does not affect an informer that has synced.
"""

import http.client
import time
from typing import Any
from urllib.parse import urlsplit

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.control_plane import ControlPlane
from bench.cluster.identities import ADMIN, NAMESPACE
from bench.faults import Fault, FaultError, Scene
from bench.supervision.waiting import wait_until

NAME = "informer-bench-full"
ROOT = "/apis/flowcontrol.apiserver.k8s.io/v1"
LEVELS = f"{ROOT}/prioritylevelconfigurations"
SCHEMAS = f"{ROOT}/flowschemas"
REVIEWS = "/apis/authorization.k8s.io/v1"
SEAT = "selfsubjectaccessreviews"
PROBE = "selfsubjectrulesreviews"
"""The request that holds the seat, and the one that checks whether the level refuses: any
account may send them, and nothing is stored."""
BODY = {"kind": "SelfSubjectRulesReview", "spec": {"namespace": "default"}}
PATIENCE_S = 5.0
"""An API server applies a change of its flow control within some tenths of a second."""
LOOK_S = 0.05
TOO_MANY, MISSING = 429, 404


class TooManyRequests(Fault):
    """A full priority level for the accounts under test; ends when it accepts requests again."""

    what = "the API server answered 429 to the server's requests"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._api = scene.plane.api(ADMIN)
        self._seat: HeldSeat | None = None
        self._begun = False

    def begin(self) -> float:
        """Make the level, hold its seat, then send the accounts there; return once it refuses.

        Raises ``FaultError`` if it does not refuse within ``PATIENCE_S``.
        """
        self._begun = True
        try:
            self._api.post(LEVELS, _level())
            self._api.post(SCHEMAS, _schema(SEAT))
            self._seat = self._hold_seat()
            self._api.post(SCHEMAS, _schema(PROBE, self.scene.identities))
        except (ApiError, ApiUnreachableError) as error:
            raise FaultError(f"flow control cannot be changed: {error}") from error
        self._wait_until(refused=True)
        return time.monotonic()

    def end(self) -> float:
        """Remove the objects, wait until requests are accepted, and release the seat."""
        if not self._begun:
            return time.monotonic()
        try:
            _remove(self._api, f"{SCHEMAS}/{NAME}-{PROBE}")
            self._wait_until(refused=False)
            accepted_s = time.monotonic()  # the objects removed after this refuse no requests
            _remove(self._api, f"{SCHEMAS}/{NAME}-{SEAT}")
            _remove(self._api, f"{LEVELS}/{NAME}")
        except (ApiError, ApiUnreachableError) as error:
            raise FaultError(f"flow control cannot be restored: {error}") from error
        finally:
            seat, self._seat = self._seat, None
            if seat is not None:
                seat.release()
        self._begun = False
        return accepted_s

    def _hold_seat(self) -> "HeldSeat":
        """Return the request that has the level's only seat.

        So far only this process is sent to the level. A change takes effect some time after it
        is stored; a seat given before is not the level's, and a second one is given then too.
        """
        held: HeldSeat | None = None
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            seat = HeldSeat(self.scene.plane)
            if not seat.given and held is not None:
                seat.release()
                return held
            if held is not None:
                held.release()
            held = seat
            time.sleep(LOOK_S)
        if held is not None:
            held.release()
        raise FaultError(f"no seat of the level was given within {PATIENCE_S:g} s")

    def _wait_until(self, *, refused: bool) -> None:
        if not wait_until(lambda: _refused(self._api) is refused, PATIENCE_S, LOOK_S):
            problem = "refuses nothing" if refused else "still refuses requests"
            raise FaultError(f"flow control {problem} after {PATIENCE_S:g} s")


class HeldSeat:
    """A request that stays in flight as long as its body does not come: a minute at most.

    ``given`` is whether the API server gave it a seat. It does so before it reads the body:
    it requests the body (100 Continue), or refuses without it.
    """

    def __init__(self, plane: ControlPlane) -> None:
        """Send the head of the request. Raises ``FaultError`` without an answer."""
        admin = plane.client_config(ADMIN)
        address = urlsplit(admin.server)
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=PATIENCE_S, context=admin.tls()
        )
        try:
            self._connection.putrequest("POST", f"{REVIEWS}/{SEAT}")
            self._connection.putheader("Content-Type", "application/json")
            self._connection.putheader("Content-Length", "1000")
            self._connection.putheader("Expect", "100-continue")
            self._connection.endheaders()
            answer = self._connection.sock.recv(64)
        except OSError as error:
            self._connection.close()
            raise FaultError(f"no request can be held at the API server: {error}") from error
        self.given = answer.startswith(b"HTTP/1.1 100 ")

    def release(self) -> None:
        """Close the connection."""
        self._connection.close()


def _refused(api: Api) -> bool:
    try:
        api.post(f"{REVIEWS}/{PROBE}", {"apiVersion": "authorization.k8s.io/v1"} | BODY)
    except ApiError as error:
        if error.code != TOO_MANY:
            raise
        return True
    return False


def _remove(api: Api, path: str) -> None:
    try:
        api.delete(path)
    except ApiError as error:
        if error.code != MISSING:  # it was never made
            raise


def _level() -> dict[str, Any]:
    return {
        "metadata": {"name": NAME},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }


def _schema(review: str, identities: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the FlowSchema of our ``review`` and of all requests of ``identities``."""
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    reviews = {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": [review],
        "clusterScope": True,
    }
    ours = {
        "subjects": [{"kind": "User", "user": {"name": ADMIN}}],
        "resourceRules": [reviews],
    }
    accounts = [
        {"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": NAMESPACE}}
        for name in identities
    ]
    theirs = {"subjects": accounts, "resourceRules": [everything]}
    return {
        "metadata": {"name": f"{NAME}-{review}"},
        "spec": {
            "priorityLevelConfiguration": {"name": NAME},
            "matchingPrecedence": 2,
            "rules": [ours, *([theirs] if accounts else [])],
        },
    }


FAULT = TooManyRequests
