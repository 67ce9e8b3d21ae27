"""Translatable texts: English, with the pattern and slots that they were made of.

All code reads and compares English; ``bench.report.language`` translates a message when a document
is shown. ``docs/catalogue.py`` finds messages by the calls of ``message`` and ``plural``.
"""

from collections.abc import Mapping, Sequence
from typing import Self


class Message(str):
    """A text that keeps its pattern (``msgid``) and the values of the pattern's ``slots``.

    Slots may be messages themselves. ``english`` differs from the pattern if a text begins a
    sentence. A text made from a message in another way, such as an f-string, is not translated.
    """

    __slots__ = ("msgid", "slots")

    msgid: str
    slots: Mapping[str, object]

    def __new__(
        cls, msgid: str, slots: Mapping[str, object] | None = None, english: str | None = None
    ) -> Self:
        """Return the text; raises ``KeyError`` for a slot without a value."""
        text = msgid if slots is None else msgid.format_map(slots)
        created = super().__new__(cls, text if english is None else english)
        created.msgid, created.slots = msgid, slots or {}
        return created

    def format(self, *_: object, **slots: object) -> "Message":
        """Fill the slots, by name."""
        return Message(self.msgid, slots)


class Recorded(str):
    """An English text from a file, whose message is found again by its pattern."""

    __slots__ = ()


def message(msgid: str) -> Message:
    """Return a message of the catalogue; ``format`` fills its slots."""
    return Message(msgid)


def plural(count: int, singular: str, many: str) -> Message:
    """Return ``1 round`` or ``3 rounds``."""
    return Message(f"{{count}} {singular if count == 1 else many}", {"count": f"{count:,}"})


def listed(parts: Sequence[str], separator: str = ", ") -> Message:
    """Return the parts, joined by a separator that is itself translated."""
    slots: dict[str, object] = {f"p{index}": part for index, part in enumerate(parts)}
    pattern = "{separator}".join(f"{{{name}}}" for name in slots)
    return Message(pattern, slots | {"separator": Message(separator)})
