"""The API server answers 429 to the servers under test: a priority level that is full.

A FlowSchema sends their requests to a PriorityLevelConfiguration of its own, with
no shares, nothing to borrow, and no queue (``Reject``). Such a level still runs one
request at a time: the API server never lets a level starve. So that one is ours
from the beginning to the end of the fault: a request whose body does not come.

What is refused is new requests. A watch that is open gave its seat back when it
was set up, and goes on: an informer that has synced does not feel this fault.
"""

import http.client
import time
from typing import Any
from urllib.parse import urlsplit

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.control_plane import ControlPlane
from bench.cluster.identities import ADMIN, NAMESPACE
from bench.faults import Fault, FaultError, Scene

NAME = "informer-bench-full"
ROOT = "/apis/flowcontrol.apiserver.k8s.io/v1"
LEVELS = f"{ROOT}/prioritylevelconfigurations"
SCHEMAS = f"{ROOT}/flowschemas"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
"""What the seat is held with, and asked about: any account may, and nothing is stored."""
REVIEW = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SelfSubjectAccessReview",
    "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}},
}
PATIENCE_S = 5.0
"""An API server takes up a change of its flow control within some tenths of a second."""
LOOK_S = 0.05
CONFIRM_AFTER_S = 0.2
TOO_MANY, MISSING = 429, 404


class TooManyRequests(Fault):
    """A full priority level for the accounts under test; over when it lets requests in again."""

    what = "the API server answered 429 to the server's requests"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._api = scene.plane.api(ADMIN)
        self._seat: HeldSeat | None = None
        self._begun = False

    def begin(self) -> float:
        """Make both objects and fill the level; returns once it refuses.

        Raises ``FaultError`` if it does not within ``PATIENCE_S``.
        """
        self._begun = True
        try:
            self._api.post(LEVELS, _level())
            self._api.post(SCHEMAS, _schema(self.scene.identities))
        except (ApiError, ApiUnreachableError) as error:
            raise FaultError(f"flow control cannot be changed: {error}") from error
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            seat = HeldSeat(self.scene.plane)
            # One that was let in before the change holds no seat of the level: it refuses nobody.
            # On a busy machine an earlier one may still hold its seat, and this one's refusal be
            # on its way: what is true must be true again a while later.
            if all(
                seat.held(after_s) and _refused(self._api) for after_s in (LOOK_S, CONFIRM_AFTER_S)
            ):
                self._seat = seat
                return time.monotonic()
            seat.release()
            time.sleep(LOOK_S)
        raise FaultError(f"flow control refused nothing within {PATIENCE_S:g} s")

    def end(self) -> float:
        """Remove both objects, wait until requests are let in, and give the seat back."""
        if not self._begun:
            return time.monotonic()
        try:
            _remove(self._api, f"{SCHEMAS}/{NAME}")
            deadline = time.monotonic() + PATIENCE_S
            while _refused(self._api):
                if time.monotonic() > deadline:
                    raise FaultError(f"requests are still refused after {PATIENCE_S:g} s")
                time.sleep(LOOK_S)
            let_in = time.monotonic()  # what is removed after this refuses nobody any more
            _remove(self._api, f"{LEVELS}/{NAME}")
        except (ApiError, ApiUnreachableError) as error:
            raise FaultError(f"flow control cannot be put back: {error}") from error
        finally:
            seat, self._seat = self._seat, None
            if seat is not None:
                seat.release()
        self._begun = False
        return let_in


class HeldSeat:
    """A request that is under way as long as its body does not come: a minute at most.

    The API server gives a request its seat before it reads the body.
    """

    def __init__(self, plane: ControlPlane) -> None:
        """Send the head of the request. Raises ``FaultError`` if nobody takes it."""
        admin = plane.client_config(ADMIN)
        where = urlsplit(admin.server)
        self._connection = http.client.HTTPSConnection(
            where.hostname or "", where.port, timeout=PATIENCE_S, context=admin.tls()
        )
        try:
            self._connection.putrequest("POST", REVIEWS)
            self._connection.putheader("Content-Type", "application/json")
            self._connection.putheader("Content-Length", "1000")
            self._connection.endheaders()
        except OSError as error:
            self._connection.close()
            raise FaultError(f"no request can be held at the API server: {error}") from error

    def held(self, after_s: float) -> bool:
        """Tell whether the request is still under way ``after_s`` later: no answer has come."""
        # Not select(): what comes first is TLS's own, and no answer.
        self._connection.sock.settimeout(after_s)
        try:
            self._connection.sock.recv(1)
        except TimeoutError:
            return True
        except OSError:
            return False
        return False

    def release(self) -> None:
        """Hang up."""
        self._connection.close()


def _refused(api: Api) -> bool:
    try:
        api.post(REVIEWS, REVIEW)
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


def _schema(identities: tuple[str, ...]) -> dict[str, Any]:
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
        "resources": ["selfsubjectaccessreviews"],
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
        "metadata": {"name": NAME},
        "spec": {
            "priorityLevelConfiguration": {"name": NAME},
            "matchingPrecedence": 2,
            "rules": [ours, *([theirs] if accounts else [])],
        },
    }


FAULT = TooManyRequests
