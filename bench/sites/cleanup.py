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
    """A namespace of ours, whether it may be removed, and why or why not."""

    namespace: OwnNamespace
    removable: bool
    why: str


def check_rights(access: Access, handed_over: str | None = None) -> None:
    """Raise ``ClusterError``, with the YAML that helps, if the account may not look or remove.

    On the whole cluster, or in the namespace ``handed_over``.
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

    Or the namespace ``handed_over`` alone, if a run has claimed it.
    One may be removed if it has this project's mark, was made by ``user``, and its run was
    begun on this machine and has ended, or it has expired; with ``unexpired`` also if another
    machine may still use it. Never while its run lives here.
    """
    owner = owner_of(user)
    there: Sequence[OwnNamespace | None]
    there = leftovers(api) if handed_over is None else [read(api, handed_over)]
    return [
        Leftover(own, *_judged(own, owner, unexpired=unexpired)) for own in there if own is not None
    ]


def clean(api: Api, found: list[Leftover], say: Say, user: str | None = None) -> bool:
    """Remove, as ``user``, those that may be, in turn; return whether all of these are gone.

    Raises as ``remove``.
    """
    all_gone = True
    for leftover in found:
        if not leftover.removable:
            continue
        own = leftover.namespace
        if remove(api, own, user) is End.GONE:
            forget(own.run)
            say(f"  {own.in_words} is removed")
        else:
            all_gone = False
            say(
                f"  {own.name} is empty, and is being ended by the cluster's own controller, or "
                "may not be finalized by this account: look again later"
            )
    return all_gone


def _judged(own: OwnNamespace, owner: str, *, unexpired: bool) -> tuple[bool, str]:
    """Return whether a namespace may be removed, and why or why not."""
    if not own.is_marked:
        return False, "it bears this project's labels and not its mark: somebody else made it"
    if own.owner != owner:
        return False, "another user made it, who alone may clean it up"
    known = life(own.run)
    if known is Life.ALIVE:
        return False, "its run goes on, on this machine"
    if known is Life.ENDED:
        return True, "its run was on this machine and has ended"
    if time.time() >= own.expires_epoch_s:
        return True, f"expired at {own.expires}"
    return unexpired, f"of another machine, whose run may go on until {own.expires} (--unexpired)"
