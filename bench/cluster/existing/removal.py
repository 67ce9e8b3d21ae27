"""Remove our namespace: request its deletion, delete its contents, wait for its end.

Nothing can be created in a namespace that is being deleted, not even by a writer of ours
that still runs. Its contents are deleted here, because a control plane for tests has no
controller to delete them; there the namespace is finalized here as well. Every wait is
bounded.

A handed-over namespace is kept; only this project's objects in it are deleted.
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
"""The same in a namespace with others' objects; roles first, so that our writers stop."""
RIGHTS = tuple(Right(verb, "namespaces") for verb in ("list", "get", "delete"))
"""Rights that an account needs to find our namespace and request its deletion."""
MADE_BY_CONTROLLER = "default"
"""The ServiceAccount that a controller creates in every namespace: a sign that one runs."""
AT_ONCE = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
EMPTY_S = 30.0
"""How long a namespace of 500 pods may take to become empty; a delete is 1 ms each."""
NO_CONTROLLER_S = 1.5
"""After so long without a report of a controller, and with no sign of one before, none runs."""
CONTROLLER_S = 90.0
"""How long to wait for the cluster's own controller."""
POLL_S = 0.2
CONFLICT = 409
FORBIDDEN = 403


class End(StrEnum):
    """Outcome of a removal."""

    GONE = "gone"
    ENDING = "ending"
    """The namespace is empty, and the cluster's own controller has still to delete it."""


def remove(api: Api, namespace: OwnNamespace, user: str | None = None) -> End:
    """Delete, as ``user``, ``namespace`` with its contents.

    Does nothing if another namespace of the same name has replaced it. Of a handed-over
    namespace, deletes only this project's objects. Raises ``ClusterError`` if it does not
    become empty, ``ApiError`` for a missing right, ``ApiUnreachableError``. Safe to call again.
    """
    now = read(api, namespace.name)
    if now is None or (now.uid, now.run) != (namespace.uid, namespace.run):
        return End.GONE
    if namespace.is_handed_over:
        claim = (CORE, "configmaps", f"fieldSelector=metadata.name%3D{CLAIM}")
        _empty(api, namespace, _HANDED_OVER)
        _empty(api, namespace, [claim])
        return End.GONE
    if not now.is_ending:
        hold_rights(api, namespace.name, user)
    has_controller = now.has_controller or _shows_controller(api, namespace.name)
    if not now.is_ending and not _delete(api, namespace):
        return End.GONE
    contents = [(*kind, _BUT_THE_OWN if kind == _BINDINGS else "") for kind in CONTENTS]
    _empty(api, namespace, contents)
    if _wait(api, namespace, CONTROLLER_S if has_controller else NO_CONTROLLER_S) is End.GONE:
        return End.GONE
    now = read(api, namespace.name)
    if now is not None and (has_controller or now.has_controller):
        return End.ENDING
    _empty(api, namespace, contents)  # objects whose creation was in flight
    _empty(api, namespace, [(*_BINDINGS, "")])  # last: it grants the rights used here
    return _wait(api, namespace, NO_CONTROLLER_S) if _finalize(api, namespace) else End.ENDING


def _shows_controller(api: Api, name: str) -> bool:
    try:
        return api.find(f"{CORE}/{name}/serviceaccounts/{MADE_BY_CONTROLLER}") is not None
    except ApiError as error:
        if error.code != FORBIDDEN:
            raise
        return False  # our own binding, which is deleted last, is gone


def _delete(api: Api, namespace: OwnNamespace) -> bool:
    """Request the deletion; return whether the namespace existed and is still ours."""
    try:
        api.request("DELETE", namespace.path, {"preconditions": {"uid": namespace.uid}})
    except ApiError as error:
        if error.reason == "NotFound":
            return False
        if error.code != CONFLICT:
            raise
        now = read(api, namespace.name)
        return now is not None and now.uid == namespace.uid and now.is_ending
    return True


def _empty(api: Api, namespace: OwnNamespace, contents: Iterable[tuple[str, str, str]]) -> None:
    """Delete the objects of ``contents`` (path, kind, selector) until none is left.

    In a namespace that the run made, our own binding is deleted last. If the cluster's
    controller has deleted it earlier, nothing is left to do here.
    """
    try:
        _delete_all(api, namespace.name, contents)
    except ApiError as error:
        if error.code != FORBIDDEN or namespace.is_handed_over:
            raise


def _delete_all(api: Api, name: str, contents: Iterable[tuple[str, str, str]]) -> None:
    deadline = time.monotonic() + EMPTY_S
    paths = [f"{root}/{name}/{kind}?{selector}" for root, kind, selector in contents]
    while paths := [path for path in paths if api.get(f"{path}&limit=1")["items"]]:
        if time.monotonic() > deadline:
            kinds = ", ".join(path.partition("?")[0].rpartition("/")[2] for path in paths)
            raise ClusterError(
                f"{kinds} in the namespace {name} are still there {EMPTY_S:g} s after their "
                "deletion: something on this cluster holds them (a finalizer?)"
            )
        for path in paths:
            api.request("DELETE", path, AT_ONCE)


def _wait(api: Api, namespace: OwnNamespace, timeout_s: float) -> End:
    def is_gone() -> bool:
        now = read(api, namespace.name)
        return now is None or now.uid != namespace.uid

    return End.GONE if wait_until(is_gone, timeout_s, POLL_S) else End.ENDING


def _finalize(api: Api, namespace: OwnNamespace) -> bool:
    """Finalize the empty namespace, as a controller would; return ``False`` if not allowed."""
    try:
        item = api.get(namespace.path)
        if item["metadata"]["uid"] != namespace.uid:
            return True
        api.put(f"{namespace.path}/finalize", {**item, "spec": {"finalizers": []}})
    except ApiError as error:
        if error.code == FORBIDDEN:
            return False
        if error.reason not in ("NotFound", "Conflict"):
            raise
    return True
