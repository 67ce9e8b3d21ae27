"""Base class for things that run until they are stopped, as context managers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self


class Stoppable(ABC):
    """Something that runs, from the ``with`` block on at the latest; leaving the block stops it."""

    @abstractmethod
    def stop(self) -> object:
        """End it. Must be safe to call again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def stop_on_error(self) -> Iterator[None]:
        """Stop it if the block raises anything, Ctrl-C included; else it runs on."""
        try:
            yield
        except BaseException:
            self.stop()
            raise
