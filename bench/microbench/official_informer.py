"""The official client's informer, whole, fed lines instead of a connection.

A peer to measure against and no dependency of the library itself.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from kubernetes.informer import ADDED
from kubernetes.informer import SharedInformer as OfficialInformer


class _Answer:
    """What the official ``Watch`` needs of a response: its pieces, and to be closed."""

    status = 200

    def __init__(self, pieces: Sequence[bytes], over: threading.Event) -> None:
        self._pieces = pieces
        self._over = over

    def stream(self, amt: int | None = None, *, decode_content: bool = False) -> Iterator[bytes]:  # noqa: ARG002 - urllib3's signature
        yield from self._pieces
        self._over.wait()

    def close(self) -> None:
        """Nothing is open."""

    release_conn = close


class OfficialFeed:
    """The official informer over ``pieces`` of a watch; ``done`` once a handler saw them all."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._over = threading.Event()
        self._seen = 0
        self.done = threading.Event()
        make: Callable[..., Any] = OfficialInformer
        self.informer = make(list_func=self._list_pods)
        self.informer.add_event_handler(ADDED, self._count)

    def stop(self) -> None:
        """End the informer's thread."""
        self._over.set()
        self.informer.stop()

    def _list_pods(self, *, watch: bool = False, **_: object) -> Any:  # noqa: ANN401 - either answer
        """Answer the list with nothing and the watch with the pieces.

        The official ``Watch`` reads here what the lines hold.

        :rtype: V1PodList
        """
        if watch:
            return _Answer(self._pieces, self._over)
        return SimpleNamespace(items=[], metadata=SimpleNamespace(resource_version="1"))

    def _count(self, _: object) -> None:
        self._seen += 1
        if self._seen == len(self._pieces):
            self.done.set()
