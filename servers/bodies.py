"""Lists as a few large pieces of bytes, of which a change renews only one.

Each piece for the web server costs a system call, and each byte copied costs
memory to allocate and fill, so neither the snapshot's many small pieces nor one
whole body joined after every change is cheap. Between the two: pieces of a few
hundred objects, of which a change joins one again.
"""

from collections.abc import Sequence

from kube_informer import Snapshot

GROUP = 8
"""Pieces of a snapshot to join to one: four leaves and the commas after them, which is 1 to
2 MB of common pods. Grouped by number, not by size, so that a pod that grows a little moves
no border."""

_Group = tuple[bytes, ...]


class _Body:
    """A list's pieces, each with the small pieces that it was joined from."""

    def __init__(self, small: Sequence[bytes], before: "_Body | None") -> None:
        previous = before.joined if before is not None else {}
        self.joined: dict[tuple[int, ...], tuple[_Group, bytes]] = {}
        for start in range(0, len(small), GROUP):
            group = tuple(small[start : start + GROUP])
            # An id names the same object while that object lives: keeping the group ensures that.
            key = tuple(map(id, group))
            self.joined[key] = previous.get(key) or (group, b"".join(group))
        self.parts = [joined for _, joined in self.joined.values()]


class _Generation:
    """The requested lists of one snapshot, and those of the previous snapshot."""

    def __init__(self, snapshot: Snapshot, before: "_Generation | None") -> None:
        self.snapshot = snapshot
        self.bodies: dict[str | None, _Body] = {}
        self.before = before.bodies if before is not None else {}


class Bodies:
    """Whole lists of the latest snapshot. Safe from any thread.

    Two threads may make the same list at once: both make the same bytes, and one of
    the two results stays.
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
            if not small:  # do not remember any name that a client sends as a namespace
                return small
            body = _Body(small, generation.before.get(namespace))
            generation.bodies[namespace] = body
        return body.parts
