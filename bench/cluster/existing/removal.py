"""Taking a namespace of ours away: its deletion first, then its contents, then the wait.

Once a namespace is being deleted nobody can create anything in it, not even a writer of
ours that has not noticed yet. Its contents are deleted here and not left to the cluster's
controller, which a control plane for tests does not have; there the namespace is finalized
here as well. Nothing waits for ever.
"""

import time
from collections.abc import Callable
from enum import StrEnum

from bench.cluster.api import Api, ApiError
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.namespace import OwnNamespace, read
from bench.cluster.existing.rights import RBAC as RBAC_GROUP
from bench.cluster.existing.rights import Right

CORE = "/api/v1/namespaces"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
CONTENTS = (
    (CORE, "pods"),
    (CORE, "configmaps"),
    (RBAC, "rolebindings"),
    (RBAC, "roles"),
    (CORE, "serviceaccounts"),
)
"""Everything that this project makes in a namespace, pods first."""
RIGHTS = (
    *(Right(verb, "namespaces") for verb in ("list", "get", "delete")),
    Right("get", "serviceaccounts"),
    *(
        Right(verb, kind, RBAC_GROUP if root == RBAC else "")
        for root, kind in CONTENTS
        for verb in ("list", "deletecollection")
    ),
)
"""What an account must be allowed to find and remove a namespace of ours."""
MADE_BY_CONTROLLER = "default"
"""The ServiceAccount that a controller puts into every namespace: where it is, one runs."""
AT_ONCE = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
EMPTY_S = 30.0
"""How long a namespace of 500 pods may take to become empty; a delete is 1 ms each."""
NO_CONTROLLER_S = 1.5
"""After so long without a word of a controller, and with no sign of one before, there is none."""
CONTROLLER_S = 90.0
"""How long the cluster's own controller is waited for."""
POLL_S = 0.2
CONFLICT = 409
FORBIDDEN = 403

Say = Callable[[str], None]


class End(StrEnum):
    """What became of a namespace."""

    GONE = "gone"
    ENDING = "ending"
    """It is empty, and its deletion is in the hands of the cluster's own controller."""


def remove(api: Api, own: OwnNamespace) -> End:
    """Delete the namespace ``own`` with all that is in it.

    Only that very one: if another of the same name has taken its place, nothing happens.
    Raises ``ClusterError`` if it does not become empty, ``ApiError`` for a missing right,
    ``ApiUnreachableError``. Safe to call again.
    """
    now = read(api, own.name)
    if now is None or now.uid != own.uid:
        return End.GONE
    has_controller = now.has_controller or _shows_controller(api, own.name)
    if not now.is_ending and not _delete(api, own):
        return End.GONE
    _empty(api, own.name)
    if _wait(api, own, CONTROLLER_S if has_controller else NO_CONTROLLER_S) is End.GONE:
        _empty(api, own.name)
        return End.GONE
    now = read(api, own.name)
    if now is not None and (has_controller or now.has_controller):
        return End.ENDING
    if not _finalize(api, own):
        return End.ENDING
    _empty(api, own.name)  # what was under way to it while it ended
    return _wait(api, own, NO_CONTROLLER_S)


def _shows_controller(api: Api, name: str) -> bool:
    try:
        api.get(f"{CORE}/{name}/serviceaccounts/{MADE_BY_CONTROLLER}")
    except ApiError as error:
        if error.reason != "NotFound":
            raise
        return False
    return True


def _delete(api: Api, own: OwnNamespace) -> bool:
    """Ask for the deletion; return whether the namespace was there and still is ours."""
    try:
        api.request("DELETE", own.path, {"preconditions": {"uid": own.uid}})
    except ApiError as error:
        if error.reason == "NotFound":
            return False
        if error.code != CONFLICT:
            raise
        now = read(api, own.name)
        return now is not None and now.uid == own.uid and now.is_ending
    return True


def _empty(api: Api, name: str) -> None:
    """Delete the contents until there are none."""
    deadline = time.monotonic() + EMPTY_S
    left = [f"{root}/{name}/{kind}" for root, kind in CONTENTS]
    while left := [path for path in left if api.get(f"{path}?limit=1")["items"]]:
        if time.monotonic() > deadline:
            kinds = ", ".join(path.rpartition("/")[2] for path in left)
            raise ClusterError(
                f"{kinds} in the namespace {name} are still there {EMPTY_S:g} s after their "
                "deletion: something on this cluster holds them (a finalizer?)"
            )
        for path in left:
            api.request("DELETE", path, AT_ONCE)


def _wait(api: Api, own: OwnNamespace, timeout_s: float) -> End:
    deadline = time.monotonic() + timeout_s
    while True:
        now = read(api, own.name)
        if now is None or now.uid != own.uid:
            return End.GONE
        if time.monotonic() > deadline:
            return End.ENDING
        time.sleep(POLL_S)


def _finalize(api: Api, own: OwnNamespace) -> bool:
    """Say that nothing is left in the namespace, as a controller would; ``False``: not allowed."""
    try:
        found = api.get(own.path)
        if found["metadata"]["uid"] != own.uid:
            return True
        api.put(f"{own.path}/finalize", {**found, "spec": {"finalizers": []}})
    except ApiError as error:
        if error.code == FORBIDDEN:
            return False
        if error.reason not in ("NotFound", "Conflict"):
            raise
    return True
