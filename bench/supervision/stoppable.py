"""Base class for things that run until they are stopped, as context managers."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Stoppable(ABC):
    """Something that runs, from the ``with`` block on at the latest; leaving the block stops it."""

    @abstractmethod
    def stop(self) -> object:
        """End it. Must be safe to call again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
