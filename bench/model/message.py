"""Texts that can be said in another language: English, and what they were made of.

English is what everything here reads and compares; ``bench.report.language`` says a message
in another language when a document is shown. What a catalogue has to hold is found by the calls of
``message`` and ``plural`` (``docs/catalogue.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Self


class Message(str):
    """A text that keeps its pattern (``msgid``) and what fills the pattern's ``slots``.

    Slots may be messages themselves. ``english`` differs from the pattern where a text begins a
    sentence. What is made of a message by other means, such as an f-string, is English for good.
    """

    __slots__ = ("msgid", "slots")

    msgid: str
    slots: Mapping[str, object]

    def __new__(
        cls, msgid: str, slots: Mapping[str, object] | None = None, english: str | None = None
    ) -> Self:
        """Return the text; raises ``KeyError`` for a slot that is not filled."""
        shown = msgid if slots is None else msgid.format_map(slots)
        made = super().__new__(cls, shown if english is None else english)
        made.msgid, made.slots = msgid, slots or {}
        return made

    def format(self, *_: object, **slots: object) -> "Message":
        """Fill the slots, by name."""
        return Message(self.msgid, slots)


class Recorded(str):
    """A text that came from a file, as English: its message is found again by its pattern."""

    __slots__ = ()


def message(msgid: str) -> Message:
    """Return a message of the catalogue; its slots are filled by ``format``."""
    return Message(msgid)


def plural(count: int, one: str, many: str) -> Message:
    """Return ``1 round`` or ``3 rounds``."""
    return Message(f"{{count}} {one if count == 1 else many}", {"count": f"{count:,}"})


def listed(parts: Sequence[str], separator: str = ", ") -> Message:
    """Return the parts with a separator between them, a message where there is one for it."""
    slots: dict[str, object] = {f"p{place}": part for place, part in enumerate(parts)}
    pattern = "{separator}".join(f"{{{name}}}" for name in slots)
    return Message(pattern, slots | {"separator": Message(separator)})
