"""Why this library differs from client-go on purpose, by history and by what differs."""

from collections.abc import Mapping

_UNCHANGED = (
    "After a relist, client-go tells handlers of every object again; this library tells of those "
    "whose uid or resourceVersion changed. Ask for a resync to be told of all."
)
_RELISTING = (
    "the version expires while the watch is cut",
    "410 as a status on each watch",
    "410 as an event on each watch",
    "each watch is refused with 400",
    "each watch ends at once",
)

REASONS: Mapping[tuple[str, str], str] = {
    **{(history, "updates without a change"): _UNCHANGED for history in _RELISTING},
    ("WatchList refused with 429", "stops"): (
        "client-go sits out its back-off before it notices the stop."
    ),
    ("WatchList is an ordinary watch", "synced"): (
        "client-go waits for the mark of the end until the server ends the watch; this library "
        "takes a bookmark without the mark for a server that does not know WatchList, and lists."
    ),
    ("WatchList is an ordinary watch", "cache"): "As above: client-go is not filled yet.",
    ("WatchList stays silent", "synced"): (
        "client-go waits until the server ends the watch, minutes later; this library lists after "
        "10 s of silence."
    ),
    ("WatchList stays silent", "cache"): "As above: client-go is not filled yet.",
    ("an event older than the object", "cache"): (
        "client-go stores what came last; this library keeps the newer of two versions of one "
        "object, so that a replayed event cannot take the cache back."
    ),
    ("an object that cannot be decoded, then a good one", "cache"): (
        "client-go's dynamic client stores an object without a name under an empty key; this "
        "library skips it, counts it and names it to the observer."
    ),
    ("the server goes back in time", "cache"): (
        "client-go watches on at a version that the server has not reached and hears nothing; "
        "this library asks for the server's version after a broken stream and lists anew."
    ),
}
