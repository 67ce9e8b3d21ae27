"""Find leftovers of dead runs by label, judge them, and remove them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cluster.api import Api
from bench.cluster.existing.access import Access
from bench.cluster.existing.namespace import OwnNamespace, leftovers, owner_of, read
from bench.cluster.existing.removal import RIGHTS, End, remove
from bench.cluster.existing.rights import NAMESPACE_ROLE, missing, needed, refuse_without
from bench.cluster.existing.run_lock import Life, forget, life

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One of our namespaces, whether it may be removed, and the reason."""

    namespace: OwnNamespace
    removable: bool
    reason: str


def check_rights(access: Access, handed_over: str | None = None) -> None:
    """Raise ``ClusterError``, with the YAML that helps, if the account may not list or remove.

    Rights are checked on the whole cluster, or in the namespace ``handed_over``.
    """
    user = access.user()
    if handed_over is None:
        lacking = missing(access.api, "", RIGHTS)
    else:
        lacking = missing(access.api, handed_over, needed(NAMESPACE_ROLE))
    refuse_without(lacking, access.context, user, handed_over)


def find(
    api: Api, *, unexpired: bool, user: str | None = None, handed_over: str | None = None
) -> list[Leftover]:
    """Return every namespace with this project's labels on the cluster, judged for ``user``.

    With ``handed_over``, return that one alone, if a run has claimed it. It is removable if it
    has this project's mark, ``user`` made it, and its run has ended on this machine or it has
    expired; with ``unexpired`` also if another machine may still use it. It is never removable
    while its run is alive here.
    """
    owner = owner_of(user)
    namespaces: Sequence[OwnNamespace | None]
    namespaces = leftovers(api) if handed_over is None else [read(api, handed_over)]
    return [
        Leftover(namespace, *_judge(namespace, owner, unexpired=unexpired))
        for namespace in namespaces
        if namespace is not None
    ]


def clean(api: Api, candidates: list[Leftover], say: Say, user: str | None = None) -> bool:
    """Remove, as ``user``, the removable ones in turn; return whether all of them are gone.

    Raises the errors of ``remove``.
    """
    all_gone = True
    for leftover in candidates:
        if not leftover.removable:
            continue
        namespace = leftover.namespace
        if remove(api, namespace, user) is End.GONE:
            forget(namespace.run)
            say(f"  {namespace.in_words} is removed")
        else:
            all_gone = False
            say(
                f"  {namespace.name} is empty: the cluster's own controller still deletes it, or "
                "this account may not finalize it; check again later"
            )
    return all_gone


def _judge(namespace: OwnNamespace, owner: str, *, unexpired: bool) -> tuple[bool, str]:
    """Return whether a namespace may be removed, and the reason."""
    if not namespace.is_marked:
        return False, "it has this project's labels but not its mark: somebody else made it"
    if namespace.owner != owner:
        return False, "another user made it, and only that user may remove it"
    known = life(namespace.run)
    if known is Life.ALIVE:
        return False, "its run is alive on this machine"
    if known is Life.ENDED:
        return True, "its run was on this machine and has ended"
    if time.time() >= namespace.expires_epoch_s:
        return True, f"expired at {namespace.expires}"
    return unexpired, f"another machine's run may use it until {namespace.expires} (--unexpired)"
