"""Lists as a few large pieces of bytes, made anew only where a list has changed.

Each piece handed to the web server costs a system call and each byte copied
costs memory to be found and filled, so neither the snapshot's many small pieces
nor one whole body joined after every change is cheap. Between the two: a few
hundred objects to a piece, and after a change one piece to be joined again.
"""

from collections.abc import Sequence

from kube_informer import Snapshot

GROUP = 8
"""Pieces of a snapshot that are joined to one: four leaves and the commas after them, which is
1 to 2 MB of common pods. Grouped by number, not by size, so that a pod that grows a little
moves no border."""

_Group = tuple[bytes, ...]


class _Body:
    """A list's pieces, each with the small ones it was joined from."""

    def __init__(self, small: Sequence[bytes], before: "_Body | None") -> None:
        known = before.joined if before is not None else {}
        self.joined: dict[tuple[int, ...], tuple[_Group, bytes]] = {}
        for at in range(0, len(small), GROUP):
            group = tuple(small[at : at + GROUP])
            # An id says the same object as long as that object lives: the group is kept for it.
            key = tuple(map(id, group))
            self.joined[key] = known.get(key) or (group, b"".join(group))
        self.parts = [joined for _, joined in self.joined.values()]


class _Generation:
    """The lists asked for of one snapshot, and those of the snapshot before."""

    def __init__(self, snapshot: Snapshot, before: "_Generation | None") -> None:
        self.snapshot = snapshot
        self.bodies: dict[str | None, _Body] = {}
        self.before = before.bodies if before is not None else {}


class Bodies:
    """Whole lists of the latest snapshot. Safe from any thread.

    Two threads may make the same list at once: both make the same bytes, and one
    of the two results is kept.
    """

    def __init__(self) -> None:
        self._generation = _Generation(Snapshot(), None)

    def parts(self, snapshot: Snapshot, namespace: str | None) -> Sequence[bytes]:
        """Return the pieces of the list of ``namespace`` (``None``: of all) in ``snapshot``."""
        generation = self._generation
        if generation.snapshot is not snapshot:
            generation = self._generation = _Generation(snapshot, generation)
        body = generation.bodies.get(namespace)
        if body is None:
            small = snapshot.body_parts(namespace)
            if not small:  # whatever a client calls a namespace must not be remembered for it
                return small
            body = _Body(small, generation.before.get(namespace))
            generation.bodies[namespace] = body
        return body.parts
