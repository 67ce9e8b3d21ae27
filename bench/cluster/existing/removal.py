"""Taking a namespace of ours away: its deletion first, then its contents, then the wait.

Once a namespace is being deleted nobody can create anything in it, not even a writer of
ours that has not noticed yet. Its contents are deleted here and not left to the cluster's
controller, which a control plane for tests does not have; there the namespace is finalized
here as well. Nothing waits for ever.

A namespace that is handed over stays; only what this project made in it is deleted.
"""

import time
from collections.abc import Iterable
from enum import StrEnum

from bench.cluster.api import Api, ApiError
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.namespace import CLAIM, MANAGED_BY, OURS, OwnNamespace, read
from bench.cluster.existing.rights import OWN_BINDING, Right, hold_rights
from bench.cluster.placement import NO_SCHEDULER
from bench.supervision.waiting import wait_until

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
_BINDINGS = (RBAC, "rolebindings")
_BUT_THE_OWN = f"fieldSelector=metadata.name!%3D{OWN_BINDING}"
_BY_LABEL = f"labelSelector={MANAGED_BY}%3D{OURS}"
_HANDED_OVER = (
    *((root, kind, _BY_LABEL) for root, kind in CONTENTS if kind not in ("pods", "configmaps")),
    (CORE, "pods", f"fieldSelector=spec.schedulerName%3D{NO_SCHEDULER}"),
    (CORE, "configmaps", f"{_BY_LABEL}&fieldSelector=metadata.name!%3D{CLAIM}"),
)
"""The same where others have objects as well; roles first, so that nobody writes any more."""
RIGHTS = tuple(Right(verb, "namespaces") for verb in ("list", "get", "delete"))
"""What an account must be allowed to find a namespace of ours and ask for its end."""
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


class End(StrEnum):
    """What became of a namespace."""

    GONE = "gone"
    ENDING = "ending"
    """It is empty, and its deletion is in the hands of the cluster's own controller."""


def remove(api: Api, own: OwnNamespace, user: str | None = None) -> End:
    """Delete, as ``user``, the namespace ``own`` with all that is in it.

    Only that very one: if another of the same name has taken its place, nothing happens. Of one
    that is handed over what this project made in it. Raises ``ClusterError`` if it does not
    become empty, ``ApiError`` for a missing right, ``ApiUnreachableError``. Safe to call again.
    """
    now = read(api, own.name)
    if now is None or (now.uid, now.run) != (own.uid, own.run):
        return End.GONE
    if own.is_handed_over:
        claim = (CORE, "configmaps", f"fieldSelector=metadata.name%3D{CLAIM}")
        _empty(api, own, _HANDED_OVER)
        _empty(api, own, [claim])
        return End.GONE
    if not now.is_ending:
        hold_rights(api, own.name, user)
    has_controller = now.has_controller or _shows_controller(api, own.name)
    if not now.is_ending and not _delete(api, own):
        return End.GONE
    contents = [(*one, _BUT_THE_OWN if one == _BINDINGS else "") for one in CONTENTS]
    _empty(api, own, contents)
    if _wait(api, own, CONTROLLER_S if has_controller else NO_CONTROLLER_S) is End.GONE:
        return End.GONE
    now = read(api, own.name)
    if now is not None and (has_controller or now.has_controller):
        return End.ENDING
    _empty(api, own, contents)  # what was under way to it while it ended
    _empty(api, own, [(*_BINDINGS, "")])  # last: by it the account may do all this
    return _wait(api, own, NO_CONTROLLER_S) if _finalize(api, own) else End.ENDING


def _shows_controller(api: Api, name: str) -> bool:
    try:
        return api.find(f"{CORE}/{name}/serviceaccounts/{MADE_BY_CONTROLLER}") is not None
    except ApiError as error:
        if error.code != FORBIDDEN:
            raise
        return False  # our own binding there is gone, which goes last


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


def _empty(api: Api, own: OwnNamespace, contents: Iterable[tuple[str, str, str]]) -> None:
    """Delete objects until there are none: path, kind, selector.

    In a namespace that the run made, our own binding goes last, unless the cluster's controller
    takes it before: where it is gone, nothing is left for us to do.
    """
    try:
        _delete_all(api, own.name, contents)
    except ApiError as error:
        if error.code != FORBIDDEN or own.is_handed_over:
            raise


def _delete_all(api: Api, name: str, contents: Iterable[tuple[str, str, str]]) -> None:
    deadline = time.monotonic() + EMPTY_S
    left = [f"{root}/{name}/{kind}?{selector}" for root, kind, selector in contents]
    while left := [path for path in left if api.get(f"{path}&limit=1")["items"]]:
        if time.monotonic() > deadline:
            kinds = ", ".join(path.partition("?")[0].rpartition("/")[2] for path in left)
            raise ClusterError(
                f"{kinds} in the namespace {name} are still there {EMPTY_S:g} s after their "
                "deletion: something on this cluster holds them (a finalizer?)"
            )
        for path in left:
            api.request("DELETE", path, AT_ONCE)


def _wait(api: Api, own: OwnNamespace, timeout_s: float) -> End:
    def is_gone() -> bool:
        now = read(api, own.name)
        return now is None or now.uid != own.uid

    return End.GONE if wait_until(is_gone, timeout_s, POLL_S) else End.ENDING


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
