"""Whether a cache follows its server, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """``why`` is "" while the cache follows its server, else the reason why it does not.

    ``seconds`` is the time since the cache was last known to be the server's state: since
    the last complete fill, event, bookmark or version check that found the version
    reached; infinite before the first fill. Bytes, connections and refusals do not count.
    While the cache follows a quiet resource, it grows up to the time between two
    bookmarks, a minute, or further if a load balancer cuts each watch before its first one.
    """

    why: str
    seconds: float

    @property
    def following(self) -> bool:
        """Whether no problem is known."""
        return not self.why

    def __str__(self) -> str:
        if self.following:
            return f"following; last heard of {self.seconds:.0f} s ago"
        return f"behind for {self.seconds:.0f} s: {self.why}"

    @staticmethod
    def worst(parts: "list[Health]") -> "Health":
        """Return the health of the part furthest behind; a following one only if all follow."""
        return max(parts, key=lambda part: (not part.following, part.seconds))
