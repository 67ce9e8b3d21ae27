"""Whether a cache follows its server, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """``why`` is "" while the cache follows its server, else what keeps it from doing so.

    ``seconds`` is how long ago the cache was last known to be the server's state:
    the complete fill, event or bookmark that came last; infinite before the first
    fill. Bytes, connections and refusals do not count. While it follows a quiet
    resource it grows up to the time between two bookmarks, a minute.
    """

    why: str
    seconds: float

    @property
    def following(self) -> bool:
        """Whether nothing is known to be wrong."""
        return not self.why

    def __str__(self) -> str:
        if self.following:
            return f"following; last heard of {self.seconds:.0f} s ago"
        return f"behind for {self.seconds:.0f} s: {self.why}"

    @staticmethod
    def worst(parts: "list[Health]") -> "Health":
        """Return that of the part which is furthest behind; one that follows only if all do."""
        return max(parts, key=lambda part: (not part.following, part.seconds))
