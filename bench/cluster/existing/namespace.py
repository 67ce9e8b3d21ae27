"""The project's namespace on an existing cluster: created in one write, found by its labels."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
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
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SELECTOR = f"{MANAGED_BY}%3D{OURS},{RUN},{EXPIRES}"


@dataclass(frozen=True, slots=True)
class OwnNamespace:
    """A namespace that this project made: which run did, and from when on it may be removed."""

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

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self | None:
        """Return the namespace if its labels say that it is ours, else ``None``."""
        head = found["metadata"]
        labels = head.get("labels") or {}
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
            owner := str((head.get("annotations") or {}).get(OWNER, "")),
            (head.get("annotations") or {}).get(MARK) == _mark(head["name"], labels[RUN], owner),
        )

    @property
    def path(self) -> str:
        """Path of the namespace in the API."""
        return f"{NAMESPACES}/{self.name}"

    @property
    def expires(self) -> str:
        """From when on it may be removed, in UTC."""
        return _utc(self.expires_epoch_s)


def owner_of(user: str | None) -> str:
    """Return what a namespace says of the user that made it; ``None``: the cluster did not tell."""
    return hashlib.sha256(f"{OURS}\0{user or ''}".encode()).hexdigest()[:16]


def _mark(name: str, run: str, owner: str) -> str:
    return hashlib.sha256("\0".join((OURS, name, run, owner)).encode()).hexdigest()[:32]


def create(
    api: Api, name: str, *, run: str, expires_epoch_s: int, owner: str | None = None
) -> OwnNamespace:
    """Make the namespace as the user ``owner``. Raises ``ClusterError`` if the name is taken."""
    labels = {MANAGED_BY: OURS, RUN: run, EXPIRES: str(expires_epoch_s)}
    digest = owner_of(owner)
    annotations = {
        EXPIRES_AT: _utc(expires_epoch_s),
        OWNER: digest,
        MARK: _mark(name, run, digest),
    }
    head = {"name": name, "labels": labels, "annotations": annotations}
    try:
        made = OwnNamespace.of(api.post(NAMESPACES, {"metadata": head}))
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        raise _taken(api, name) from error
    if made is None or not made.is_marked:
        raise ClusterError(
            f"the namespace {name} was made, but its labels or annotations are not as they were "
            "sent: something on this cluster changes them, so that it could not be found again. "
            "Remove it yourself"
        )
    return made


def refuse_if_taken(api: Api, name: str) -> None:
    """Raise ``ClusterError`` if there is a namespace of this name, or can be none."""
    if not NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot be the name of a namespace: lower-case letters, digits and hyphens, "
            "at most 63 (--namespace)"
        )
    try:
        api.get(f"{NAMESPACES}/{name}")
    except ApiError as error:
        if error.reason != "NotFound":
            raise
        return
    raise _taken(api, name)


def read(api: Api, name: str) -> OwnNamespace | None:
    """Return the namespace ``name``; ``None`` if there is none, or none of ours."""
    try:
        return OwnNamespace.of(api.get(f"{NAMESPACES}/{name}"))
    except ApiError as error:
        if error.reason != "NotFound":
            raise
        return None


def leftovers(api: Api) -> list[OwnNamespace]:
    """Return every namespace whose labels say that this project made it."""
    listed = api.get(f"{NAMESPACES}?labelSelector={SELECTOR}")["items"]
    return [own for item in listed if (own := OwnNamespace.of(item)) is not None]


def _taken(api: Api, name: str) -> ClusterError:
    there = read(api, name)
    if there is None or not there.is_marked:
        return ClusterError(
            f"there is a namespace {name} already, and it is not this project's: nothing in it "
            "was read or changed. Choose another name (--namespace)"
        )
    if there.is_ending:
        return ClusterError(
            f"the namespace {name} of another run of this project is still being deleted: wait "
            "until it is gone (python -m bench clean --context NAME looks after it), or choose "
            "another name (--namespace)"
        )
    return ClusterError(
        f"there is a namespace {name} already, of another run of this project: remove it "
        "(python -m bench clean --context NAME) or choose another name (--namespace)"
    )


def _utc(epoch_s: int) -> str:
    return dt.datetime.fromtimestamp(epoch_s, dt.UTC).isoformat(timespec="seconds")
