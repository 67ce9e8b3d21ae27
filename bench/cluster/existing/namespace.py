"""The project's namespace on an existing cluster: made or claimed in one write, found by labels.

One that an admin handed over stays; what a run's labels and annotations say of one that the run
made, they say of a handed-over one on a ConfigMap in it, the claim.
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
"""Annotation: who made the namespace, as a digest of the user's name."""
MARK = "informer-bench/mark"
"""Annotation: a digest of name, run and owner. Labels get copied; this fits one namespace alone."""
HANDED_OVER = "informer-bench/handed-over"
"""Label: an admin made the namespace for this project, and keeps it."""
CLAIM = "informer-bench-claim"
"""The ConfigMap by which one run at a time takes a namespace that is handed over."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SELECTOR = f"{MANAGED_BY}%3D{OURS},{RUN},{EXPIRES}"


@dataclass(frozen=True, slots=True)
class OwnNamespace:
    """A namespace that a run made or claimed: which one, and from when on it may be removed."""

    name: str
    uid: str
    run: str
    expires_epoch_s: int
    is_ending: bool
    """Whether its deletion has been asked for."""
    has_controller: bool
    """Whether the cluster's own controller has said something of its deletion."""
    owner: str = ""
    """A digest; see ``owner_of``."""
    is_marked: bool = False
    """Whether this project made it: one that merely bears the labels has no mark that fits."""
    is_handed_over: bool = False
    """Whether it is an admin's: then only what this project made in it is removed."""

    @classmethod
    def of(cls, found: Mapping[str, Any], claim: Mapping[str, Any] | None = None) -> Self | None:
        """Return the namespace if its labels, or its claim's, say that it is ours."""
        head = found["metadata"]
        told = head if claim is None else claim["metadata"]
        labels = told.get("labels") or {}
        annotations = told.get("annotations") or {}
        expires = labels.get(EXPIRES, "")
        if labels.get(MANAGED_BY) != OURS or RUN not in labels or not expires.isdecimal():
            return None
        return cls(
            head["name"],
            head["uid"],
            labels[RUN],
            int(expires),
            "deletionTimestamp" in head,
            bool((found.get("status") or {}).get("conditions")),
            owner := str(annotations.get(OWNER, "")),
            annotations.get(MARK) == _mark(head["name"], labels[RUN], owner),
            is_handed_over=claim is not None,
        )

    @property
    def path(self) -> str:
        """Path of the namespace in the API."""
        return f"{NAMESPACES}/{self.name}"

    @property
    def in_words(self) -> str:
        """What of it is this project's, and is removed."""
        if self.is_handed_over:
            return f"what this project made in the namespace {self.name}"
        return f"the namespace {self.name}, with all that was in it,"

    @property
    def expires(self) -> str:
        """From when on it may be removed, in UTC."""
        return _utc(self.expires_epoch_s)


def owner_of(user: str | None) -> str:
    """Return what a namespace says of the user that made it; ``None``: the cluster did not tell."""
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
    """Make the namespace as the user ``owner``, or claim the one that is handed over.

    Raises ``ClusterError`` if the name is taken, or another run has claimed it.
    """
    digest, namespace = owner_of(owner), f"{NAMESPACES}/{name}"
    head = {
        "name": CLAIM if handed_over else name,
        "labels": {MANAGED_BY: OURS, RUN: run, EXPIRES: str(expires_epoch_s)},
        "annotations": {
            EXPIRES_AT: _utc(expires_epoch_s),
            OWNER: digest,
            MARK: _mark(name, run, digest),
        },
    }
    found = api.get(namespace) if handed_over else None
    try:
        made = api.post(f"{namespace}/configmaps" if found else NAMESPACES, {"metadata": head})
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        raise _taken(api, name) from error
    own = OwnNamespace.of(found, made) if found else OwnNamespace.of(made)
    if own is None or not own.is_marked:
        what = f"the ConfigMap {CLAIM} in {name}" if handed_over else f"the namespace {name}"
        raise ClusterError(
            f"{what} was made, but its labels or annotations are not as they were sent: something "
            "on this cluster changes them, so that it could not be found again. Remove it yourself"
        )
    return own


def is_handed_over(api: Api, name: str) -> bool:
    """Return whether an admin handed over the namespace ``name``; ``False`` if it is not seen.

    Raises ``ClusterError`` for what no namespace can be named.
    """
    if not NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot be the name of a namespace: lower-case letters, digits and hyphens, "
            "at most 63 (--namespace)"
        )
    try:
        found = api.find(f"{NAMESPACES}/{name}")
    except ApiError as error:
        if error.code != HTTPStatus.FORBIDDEN:
            raise
        return False
    return found is not None and _is_handed_over(found)


def refuse_if_taken(api: Api, name: str) -> None:
    """Raise ``ClusterError`` if there is a namespace of this name that cannot be taken."""
    found = api.find(f"{NAMESPACES}/{name}")
    if found is None:
        return
    if not _is_handed_over(found) or read(api, name) is not None:
        raise _taken(api, name)
    if "deletionTimestamp" in found["metadata"]:
        raise ClusterError(f"the namespace {name}, which is handed over, is being deleted")
    if api.get(f"{NAMESPACES}/{name}/pods?limit=1")["items"]:
        raise ClusterError(
            f"there are pods in the namespace {name}, which is handed over: they would be in the "
            "figures. Remove them, or choose another namespace (--namespace)"
        )


def read(api: Api, name: str) -> OwnNamespace | None:
    """Return the namespace ``name``; ``None`` if there is none, or none of ours."""
    found = api.find(f"{NAMESPACES}/{name}")
    if found is None:
        return None
    if not _is_handed_over(found):
        return OwnNamespace.of(found)
    claimed = api.find(f"{NAMESPACES}/{name}/configmaps/{CLAIM}")
    return None if claimed is None else OwnNamespace.of(found, claimed)


def _is_handed_over(found: Mapping[str, Any]) -> bool:
    return bool((found["metadata"].get("labels") or {}).get(HANDED_OVER) == "true")


def leftovers(api: Api) -> list[OwnNamespace]:
    """Return every namespace whose labels say that this project made it."""
    listed = api.get(f"{NAMESPACES}?labelSelector={SELECTOR}")["items"]
    return [own for item in listed if (own := OwnNamespace.of(item)) is not None]


def _taken(api: Api, name: str) -> ClusterError:
    there = read(api, name)
    if there is None or not there.is_marked:
        return ClusterError(
            f"there is a namespace {name} already, and it is not this project's: nothing in it "
            "was read or changed. Choose another name (--namespace), or have it handed over by "
            f"its label {HANDED_OVER}=true"
        )
    if there.is_ending:
        return ClusterError(
            f"the namespace {name} of another run of this project is still being deleted: wait "
            "until it is gone (python -m bench clean --context NAME looks after it), or choose "
            "another name (--namespace)"
        )
    verb = f"clean --context NAME{f' --namespace {name}' if there.is_handed_over else ''}"
    return ClusterError(
        f"there is a namespace {name} already, of another run of this project: remove what is of "
        f"it (python -m bench {verb}) or choose another name (--namespace)"
    )


def _utc(epoch_s: int) -> str:
    return dt.datetime.fromtimestamp(epoch_s, dt.UTC).isoformat(timespec="seconds")
