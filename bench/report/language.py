"""Other languages: translate the messages of a document, before it is given a form.

English is the language of the sources and needs no catalogue. Any other is a file
``locale/<language>.po`` in the format of gettext. Names, figures, units and data files
are not translated.
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
LANGUAGES = (ENGLISH, *sorted(file.name.removesuffix(".po") for file in LOCALE.iterdir()))
FEWEST_LETTERS = 5
"""Letters that a pattern needs beside its slots to be recognised in a recorded text."""
JOINT = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9`])|(?<=[A-Za-z0-9`%])(?=[\u4e00-\u9fff])")
"""Positions between Chinese and letters or figures, where a space is inserted."""
SEPARATORS = ("; ", ": ", ", ")
"""Separators of the parts of a recorded text, each of which is a message."""
COUNT = re.compile(r"[\d.,]+")
Translate = Callable[[str], str]


def translation(language: str) -> Translate:
    """Return the function that translates into ``language``, one of ``LANGUAGES``."""
    return str if language == ENGLISH else _catalogue(language).translate


def spoken(document: Document, language: str) -> Document:
    """Return the document with every message in ``language``."""
    if language == ENGLISH:
        return document
    translated: Document = _translated(document, translation(language))
    return replace(translated, language=language)


def _translated(value: Any, translate: Translate) -> Any:  # noqa: ANN401  # any type
    """Translate every message inside ``value``, including those that a chart is drawn from."""
    if isinstance(value, str):
        return translate(value)
    inner = partial(_translated, translate=translate)
    if isinstance(value, partial):
        return partial(value.func, *value.args, **inner(value.keywords))
    if isinstance(value, Mapping):
        return {inner(key): inner(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(inner, value))
    if is_dataclass(value) and not isinstance(value, type | Data):
        return replace(value, **{f.name: inner(getattr(value, f.name)) for f in fields(value)})
    return value


@cache
def _catalogue(language: str) -> "Catalogue":
    # imported here: an English report does not need it
    from babel.messages.pofile import read_po

    with (LOCALE / f"{language}.po").open("rb") as file:
        rows = read_po(file, locale=language)
    return Catalogue({str(row.id): str(row.string) for row in rows if row.id and row.string})


class Catalogue:
    """The messages of a language: pattern in English -> pattern in that language."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._small = {msgid.lower(): text for msgid, text in texts.items()}
        letters = ((_letters(msgid), msgid) for msgid in texts)
        self._patterns = [
            (_pattern(msgid), msgid)
            for count, msgid in sorted(letters, reverse=True)
            if count >= FEWEST_LETTERS
        ]

    def translate(self, text: str) -> str:
        """Return a message in this language, and any other text unchanged."""
        if isinstance(text, Recorded):
            return self._recognised(text)
        if not isinstance(text, Message):
            return text
        translated = self._texts.get(text.msgid)
        if translated is None and not text.slots:
            return str(text)
        slots = {
            key: self.translate(slot) if isinstance(slot, str) else slot
            for key, slot in text.slots.items()
        }
        pattern = text.msgid if translated is None else translated
        return JOINT.sub(" ", pattern.format_map(slots) if slots else pattern)

    def _recognised(self, text: str) -> str:
        """Translate a text whose message is recognised by its pattern, and its slots likewise."""
        translated = self._texts.get(text) or self._small.get(text.lower())
        if translated is not None:
            return translated
        for pattern, msgid in self._patterns:
            match = pattern.fullmatch(text)
            if match:
                slots = {name: self._recognised(value) for name, value in match.groupdict().items()}
                return JOINT.sub(" ", _filled(self._texts[msgid], slots))
        for separator in SEPARATORS:
            parts = text.split(separator)
            recognised = [self._recognised(part) for part in parts] if len(parts) > 1 else parts
            if recognised != parts:
                return self._texts.get(separator, separator).join(recognised)
        label, _, count = text.rpartition(" ")
        counted = label and COUNT.fullmatch(count)
        return f"{self._recognised(label)} {count}" if counted else str(text)


def _filled(pattern: str, slots: Mapping[str, str]) -> str:
    """Fill a pattern with texts that are formatted already."""
    parts = Formatter().parse(pattern)
    return "".join(literal + (slots[name] if name else "") for literal, name, _, _ in parts)


def _letters(msgid: str) -> int:
    """Return how many letters a pattern has beside its slots; 0 without a slot."""
    parts = list(Formatter().parse(msgid))
    if all(name is None for _, name, _, _ in parts):
        return 0
    return sum(len(re.findall(r"\w", literal)) for literal, _, _, _ in parts)


def _pattern(msgid: str) -> re.Pattern[str]:
    """Return the regular expression that matches the texts of a pattern."""
    names: set[str] = set()
    expression = ""
    for literal, name, _, _ in Formatter().parse(msgid):
        expression += re.escape(literal)
        if name is not None:
            expression += f"(?P={name})" if name in names else f"(?P<{name}>.*?)"
            names.add(name)
    return re.compile(expression, re.DOTALL)
