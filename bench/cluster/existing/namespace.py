"""The project's namespace on an existing cluster: made or claimed in one write, found by labels.

A namespace that a run makes has its labels and annotations. A namespace that an admin hands
over is kept after the run; the labels and annotations are then on a ConfigMap in it, the claim.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from bench.cluster.api import Api, ApiError
from bench.cluster.existing.errors import ClusterError

NAMESPACES = "/api/v1/namespaces"
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "informer-bench"
RUN = "informer-bench/run"
EXPIRES = "informer-bench/expires"
"""Seconds since the epoch: a label's value holds no colon."""
EXPIRES_AT = "informer-bench/expires-at"
"""The same as an annotation, for people."""
OWNER = "informer-bench/owner"
"""Annotation: the user who made the namespace, as a digest of the name."""
MARK = "informer-bench/mark"
"""Annotation: a digest of name, run and owner. Labels get copied; this fits one namespace alone."""
HANDED_OVER = "informer-bench/handed-over"
"""Label: an admin made the namespace for this project, and keeps it."""
CLAIM = "informer-bench-claim"
"""The ConfigMap by which one run at a time claims a handed-over namespace."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SELECTOR = f"{MANAGED_BY}%3D{OURS},{RUN},{EXPIRES}"


@dataclass(frozen=True, slots=True)
class OwnNamespace:
    """A namespace that a run made or claimed, and the time after which it may be removed."""

    name: str
    uid: str
    run: str
    expires_epoch_s: int
    is_ending: bool
    """Whether its deletion has been requested."""
    has_controller: bool
    """Whether the cluster's own controller has reported on its deletion."""
    owner: str = ""
    """A digest; see ``owner_of``."""
    is_marked: bool = False
    """Whether this project made it: a copy of the labels alone has no valid mark."""
    is_handed_over: bool = False
    """Whether it is an admin's: then only this project's objects in it are removed."""

    @classmethod
    def of(cls, item: Mapping[str, Any], claim: Mapping[str, Any] | None = None) -> Self | None:
        """Return the namespace if its labels, or its claim's, mark it as ours."""
        metadata = item["metadata"]
        labelled = metadata if claim is None else claim["metadata"]
        labels = labelled.get("labels") or {}
        annotations = labelled.get("annotations") or {}
        expires = labels.get(EXPIRES, "")
        if labels.get(MANAGED_BY) != OURS or RUN not in labels or not expires.isdecimal():
            return None
        return cls(
            metadata["name"],
            metadata["uid"],
            labels[RUN],
            int(expires),
            "deletionTimestamp" in metadata,
            bool((item.get("status") or {}).get("conditions")),
            owner := str(annotations.get(OWNER, "")),
            annotations.get(MARK) == _mark(metadata["name"], labels[RUN], owner),
            is_handed_over=claim is not None,
        )

    @property
    def path(self) -> str:
        """Path of the namespace in the API."""
        return f"{NAMESPACES}/{self.name}"

    @property
    def in_words(self) -> str:
        """Text for the part of it that is this project's, and is removed."""
        if self.is_handed_over:
            return f"what this project made in the namespace {self.name}"
        return f"the namespace {self.name}, with all that was in it,"

    @property
    def expires(self) -> str:
        """Time after which it may be removed, in UTC."""
        return _utc(self.expires_epoch_s)


def owner_of(user: str | None) -> str:
    """Return the digest of ``user`` on a namespace; ``None``: the cluster did not name the user."""
    return hashlib.sha256(f"{OURS}\0{user or ''}".encode()).hexdigest()[:16]


def _mark(name: str, run: str, owner: str) -> str:
    return hashlib.sha256("\0".join((OURS, name, run, owner)).encode()).hexdigest()[:32]


def take(
    api: Api,
    name: str,
    *,
    run: str,
    expires_epoch_s: int,
    owner: str | None = None,
    handed_over: bool = False,
) -> OwnNamespace:
    """Make the namespace as the user ``owner``, or claim it if it is handed over.

    Raises ``ClusterError`` if the name is taken, or another run has claimed the namespace.
    """
    digest, path = owner_of(owner), f"{NAMESPACES}/{name}"
    metadata = {
        "name": CLAIM if handed_over else name,
        "labels": {MANAGED_BY: OURS, RUN: run, EXPIRES: str(expires_epoch_s)},
        "annotations": {
            EXPIRES_AT: _utc(expires_epoch_s),
            OWNER: digest,
            MARK: _mark(name, run, digest),
        },
    }
    existing = api.get(path) if handed_over else None
    try:
        created = api.post(f"{path}/configmaps" if existing else NAMESPACES, {"metadata": metadata})
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        raise _taken(api, name) from error
    taken = OwnNamespace.of(existing, created) if existing else OwnNamespace.of(created)
    if taken is None or not taken.is_marked:
        place = f"the ConfigMap {CLAIM} in {name}" if handed_over else f"the namespace {name}"
        raise ClusterError(
            f"{place} was made, but its labels or annotations are not as they were sent: something "
            "on this cluster changes them, so that it could not be found again. Remove it yourself"
        )
    return taken


def is_handed_over(api: Api, name: str) -> bool:
    """Return whether an admin handed over the namespace ``name``; ``False`` if not readable.

    Raises ``ClusterError`` for a name that is not valid for a namespace.
    """
    if not NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot be the name of a namespace: lower-case letters, digits and hyphens, "
            "at most 63 (--namespace)"
        )
    try:
        item = api.find(f"{NAMESPACES}/{name}")
    except ApiError as error:
        if error.code != HTTPStatus.FORBIDDEN:
            raise
        return False
    return item is not None and _is_handed_over(item)


def refuse_if_taken(api: Api, name: str) -> None:
    """Raise ``ClusterError`` if there is a namespace of this name that cannot be taken."""
    item = api.find(f"{NAMESPACES}/{name}")
    if item is None:
        return
    if not _is_handed_over(item) or read(api, name) is not None:
        raise _taken(api, name)
    if "deletionTimestamp" in item["metadata"]:
        raise ClusterError(f"the namespace {name}, which is handed over, is being deleted")
    if api.get(f"{NAMESPACES}/{name}/pods?limit=1")["items"]:
        raise ClusterError(
            f"there are pods in the namespace {name}, which is handed over: they would be in the "
            "figures. Remove them, or choose another namespace (--namespace)"
        )


def read(api: Api, name: str) -> OwnNamespace | None:
    """Return the namespace ``name``; ``None`` if it does not exist or is not ours."""
    item = api.find(f"{NAMESPACES}/{name}")
    if item is None:
        return None
    if not _is_handed_over(item):
        return OwnNamespace.of(item)
    claim = api.find(f"{NAMESPACES}/{name}/configmaps/{CLAIM}")
    return None if claim is None else OwnNamespace.of(item, claim)


def _is_handed_over(item: Mapping[str, Any]) -> bool:
    return bool((item["metadata"].get("labels") or {}).get(HANDED_OVER) == "true")


def leftovers(api: Api) -> list[OwnNamespace]:
    """Return every namespace with this project's labels."""
    items = api.get(f"{NAMESPACES}?labelSelector={SELECTOR}")["items"]
    return [namespace for item in items if (namespace := OwnNamespace.of(item)) is not None]


def _taken(api: Api, name: str) -> ClusterError:
    holder = read(api, name)
    if holder is None or not holder.is_marked:
        return ClusterError(
            f"there is a namespace {name} already, and it is not this project's: nothing in it "
            "was read or changed. Choose another name (--namespace), or have it handed over by "
            f"its label {HANDED_OVER}=true"
        )
    if holder.is_ending:
        return ClusterError(
            f"the namespace {name} of another run of this project is still being deleted: wait "
            "until it is gone (python -m bench clean --context NAME removes it), or choose "
            "another name (--namespace)"
        )
    verb = f"clean --context NAME{f' --namespace {name}' if holder.is_handed_over else ''}"
    return ClusterError(
        f"there is a namespace {name} already, of another run of this project: remove that run's "
        f"objects (python -m bench {verb}) or choose another name (--namespace)"
    )


def _utc(epoch_s: int) -> str:
    return dt.datetime.fromtimestamp(epoch_s, dt.UTC).isoformat(timespec="seconds")
