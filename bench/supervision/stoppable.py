"""Base class of context managers that run until they are stopped."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self


class Stoppable(ABC):
    """Runs from the start of the ``with`` block at the latest; leaving the block stops it."""

    @abstractmethod
    def stop(self) -> object:
        """Stop. Must be safe to call again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def stop_on_error(self) -> Iterator[None]:
        """Stop if the block raises anything, Ctrl-C included; else keep running."""
        try:
            yield
        except BaseException:
            self.stop()
            raise
