"""Other languages: a document whose messages are said by a catalogue, before it is given a form.

English is the language of the sources and needs no catalogue. Any other is a file
``locale/<language>.po`` in the format of gettext. Names, figures, units and what files hold
stay as they are.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial
from importlib import resources
from string import Formatter
from typing import Any

from bench.model.message import Message, Recorded
from bench.report.charts import Data
from bench.report.document import Document

ENGLISH = "en"
LOCALE = resources.files("bench.report") / "locale"
LANGUAGES = (ENGLISH, *sorted(one.name.removesuffix(".po") for one in LOCALE.iterdir()))
TELLING = 5
"""Letters that a pattern has at least beside its slots to be recognised in a recorded text."""
JOINT = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9`])|(?<=[A-Za-z0-9`%])(?=[\u4e00-\u9fff])")
"""Where Chinese meets letters or figures: a space stands there."""
SEPARATORS = ("; ", ": ", ", ")
"""What stands between the parts of a recorded text, each a message by itself."""
COUNT = re.compile(r"[\d.,]+")
Say = Callable[[str], str]


def translation(language: str) -> Say:
    """Return what says a text in ``language``, one of ``LANGUAGES``."""
    return str if language == ENGLISH else _catalogue(language).say


def spoken(document: Document, language: str) -> Document:
    """Return the document with every message in ``language``."""
    if language == ENGLISH:
        return document
    said: Document = _said(document, translation(language))
    return replace(said, language=language)


def _said(value: Any, say: Say) -> Any:  # noqa: ANN401  # of whatever type it is given
    """Say every message inside ``value``; of a chart also what it will be drawn from."""
    if isinstance(value, str):
        return say(value)
    if isinstance(value, partial):
        return partial(value.func, *value.args, **_said(value.keywords, say))
    if isinstance(value, Mapping):
        return {_said(key, say): _said(one, say) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_said(one, say) for one in value)
    if is_dataclass(value) and not isinstance(value, type | Data):
        own = {one.name: _said(getattr(value, one.name), say) for one in fields(value)}
        return replace(value, **own)
    return value


@cache
def _catalogue(language: str) -> "Catalogue":
    # here, because an English report is made without it
    from babel.messages.pofile import read_po

    with (LOCALE / f"{language}.po").open("rb") as file:
        found = read_po(file, locale=language)
    return Catalogue({str(one.id): str(one.string) for one in found if one.id and one.string})


class Catalogue:
    """The messages of a language: pattern in English -> pattern in that language."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._small = {msgid.lower(): said for msgid, said in texts.items()}
        told = ((_literal(msgid), msgid) for msgid in texts)
        self._patterns = [
            (_pattern(msgid), msgid)
            for literal, msgid in sorted(told, reverse=True)
            if literal >= TELLING
        ]

    def say(self, text: str) -> str:
        """Return a message in this language, any other text as it is."""
        if isinstance(text, Recorded):
            return self._recognised(text)
        if not isinstance(text, Message):
            return text
        said = self._texts.get(text.msgid)
        if said is None and not text.slots:
            return str(text)
        slots = {
            name: self.say(one) if isinstance(one, str) else one for name, one in text.slots.items()
        }
        pattern = text.msgid if said is None else said
        return JOINT.sub(" ", pattern.format_map(slots) if slots else pattern)

    def _recognised(self, text: str) -> str:
        """Return a text whose message is found by its pattern, and what filled it likewise."""
        known = self._texts.get(text) or self._small.get(text.lower())
        if known is not None:
            return known
        for pattern, msgid in self._patterns:
            found = pattern.fullmatch(text)
            if found:
                slots = {name: self._recognised(one) for name, one in found.groupdict().items()}
                return JOINT.sub(" ", _filled(self._texts[msgid], slots))
        for separator in SEPARATORS:
            parts = text.split(separator)
            said = [self._recognised(part) for part in parts] if len(parts) > 1 else parts
            if said != parts:
                return self._texts.get(separator, separator).join(said)
        head, _, count = text.rpartition(" ")
        counted = head and COUNT.fullmatch(count)
        return f"{self._recognised(head)} {count}" if counted else str(text)


def _filled(pattern: str, slots: Mapping[str, str]) -> str:
    """Fill a pattern with texts that are formatted already."""
    parts = Formatter().parse(pattern)
    return "".join(literal + (slots[name] if name else "") for literal, name, _, _ in parts)


def _literal(msgid: str) -> int:
    """Return how many letters a pattern has beside its slots; 0 without a slot."""
    parts = list(Formatter().parse(msgid))
    if all(name is None for _, name, _, _ in parts):
        return 0
    return sum(len(re.findall(r"\w", literal)) for literal, _, _, _ in parts)


def _pattern(msgid: str) -> re.Pattern[str]:
    """Return what matches a text that was made of a pattern."""
    known: set[str] = set()
    made = ""
    for literal, name, _, _ in Formatter().parse(msgid):
        made += re.escape(literal)
        if name is not None:
            made += f"(?P={name})" if name in known else f"(?P<{name}>.*?)"
            known.add(name)
    return re.compile(made, re.DOTALL)
