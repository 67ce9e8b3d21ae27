"""A TOML file that a person wrote, against the keys it may have.

An error names the file, the line, the key, what it takes and the nearest valid
one. What the keys mean is for the reader of the file: plans, rules of the gate.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")

Name = Annotated[
    str,
    Meta(
        # the look-ahead: in Python $ also matches before a line break at the end
        pattern=rf"^{NAME.pattern}$(?!\n)",
        description="a name of lower-case letters, digits and hyphens",
    ),
]
Names = Annotated[tuple[Name, ...], Meta(min_length=1, description="a list of names")]
Text = Annotated[str, Meta(pattern=r"\S", description="a text")]


def whole(low: int, high: int) -> Any:  # noqa: ANN401 - a type for msgspec
    """Return the type of a whole number from ``low`` to ``high``."""
    return Annotated[int, Meta(ge=low, le=high)]


def number(low: float, high: float) -> Any:  # noqa: ANN401 - a type for msgspec
    """Return the type of a number from ``low`` to ``high``."""
    return Annotated[float, Meta(ge=low, le=high)]


def one_of(words: Collection[str]) -> Any:  # noqa: ANN401 - a type for msgspec
    """Return the type of one of the ``words``."""
    return Literal[tuple(sorted(words))]


@dataclass(frozen=True, slots=True)
class Key:
    """What one key takes: its check, its documentation and its JSON schema are made of this.

    ``type`` is one that msgspec understands, with its bounds. ``about`` says what the value
    means, ``unit`` what a number counts, and ``example`` is a value as TOML writes it.
    """

    type: Any
    about: str
    example: str
    unit: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value."""
        found = msgspec.json.schema(self.type)
        if "$ref" in found:
            found = found["$defs"][found["$ref"].rpartition("/")[2]]
        about = f"{self.about} ({self.unit})" if self.unit else self.about
        return {key: value for key, value in found.items() if key != "title"} | {
            "description": about
        }

    @property
    def takes(self) -> str:
        """What a value must be, in words."""
        found = msgspec.json.schema(self.type)
        if "description" in found:
            words: str = found["description"]
        elif "enum" in self.schema:
            words = f"one of {', '.join(self.schema['enum'])}"
        elif found["type"] == "boolean":
            words = "true or false"
        else:
            kind = "a whole number" if found["type"] == "integer" else "a number"
            words = f"{kind} from {found['minimum']} to {found['maximum']}"
        return f"{self.unit} as {words}" if self.unit else words

    def check(self, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        """Return the value as the model wants it; raise ``ValueError``."""
        return msgspec.convert(value, self.type)


def nearest(word: str, valid: Collection[str]) -> str:
    """Return a hint at the valid word that is most like ``word``, or nothing."""
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f" (the nearest is {close[0]!r})" if close else ""


class TomlFile:
    """The text of a file, parsed; ``failure`` is what is raised when it is not valid."""

    def __init__(self, text: str, source: str, failure: type[Exception]) -> None:
        """Parse ``text``; ``source`` is its name in errors."""
        self._text, self._source, self._failure = text, source, failure
        try:
            self._document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise failure(f"{source}: not valid TOML: {error}") from error

    def head(self, keys: Mapping[str, Key], what: str, tables: Collection[str]) -> "Table":
        """Return what stands before the first table; ``tables`` are those that may follow."""
        locator = Locator(self._source, self._text, None)
        return Table(self._document, locator, keys, what, self._failure, tables)

    def table(self, name: str, keys: Mapping[str, Key], what: str) -> "Table":
        """Return the table ``[name]``, empty if it is not there."""
        raw = self._document.get(name, {})
        if not isinstance(raw, dict):
            place = Locator(self._source, self._text, None).place(name)
            raise self._failure(f"{place}: {name} is written as a table [{name}]")
        locator = Locator(self._source, self._text, (name, 0))
        return Table(raw, locator, keys, what, self._failure)

    def tables(self, array: str, keys: Mapping[str, Key], what: str) -> list["Table"]:
        """Return the ``[[array]]`` tables in their order; none if there are none."""
        raw = self._document.get(array, [])
        if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
            place = Locator(self._source, self._text, None).place(array)
            raise self._failure(f"{place}: {array} are written as [[{array}]] tables")
        return [
            Table(
                entry, Locator(self._source, self._text, (array, index)), keys, what, self._failure
            )
            for index, entry in enumerate(raw)
        ]


class Table:
    """One table of the file against the keys that it may have."""

    def __init__(
        self,
        values: Mapping[str, Any],
        locator: "Locator",
        keys: Mapping[str, Key],
        what: str,
        failure: type[Exception],
        tables: Collection[str] = (),
    ) -> None:
        self._values = values
        self._locator = locator
        self._keys = keys
        self._what = what
        self._failure = failure
        known = [*keys, *tables]
        for key in values:
            if key not in known:
                valid = ", ".join(known)
                raise self.error(
                    key, f"{what} has no key {key!r}{nearest(key, known)}; its keys are {valid}"
                )

    def build(self, model: type[T], **given: Any) -> T:  # noqa: ANN401 - fields of the model
        """Check every value and return the dataclass ``model`` made of them."""
        checked = dict(given)
        for spec in fields(model):  # type: ignore[arg-type]  # T is a dataclass
            if spec.name in given:
                continue
            if spec.name in self._values:
                checked[spec.name] = self._checked(spec.name)
            elif spec.default is MISSING:
                raise self.lacks(spec.name)
        return model(**checked)

    def lacks(self, key: str) -> Exception:
        """Return the error that the table needs ``key``."""
        place, takes = self._locator.table_place(), self._keys[key].takes
        return self._failure(f"{place}: {self._what} needs {key!r}: {takes}")

    def _checked(self, key: str) -> Any:  # noqa: ANN401 - any TOML value
        spec, value = self._keys[key], self._values[key]
        try:
            return spec.check(value)
        except ValueError:
            raise self.error(key, f"{key!r} takes {spec.takes}, not {value!r}") from None

    def error(self, key: str, text: str) -> Exception:
        """Return the error that points at ``key``."""
        return self._failure(f"{self._locator.place(key)}: {text}")


class Locator:
    """Finds the line on which a key stands, which tomllib does not tell."""

    def __init__(self, source: str, text: str, table: tuple[str, int] | None) -> None:
        """``table``: a table's name, and which it is of an array of them; else the file's head."""
        self._source = source
        self._lines = text.splitlines()
        headers = [n for n, line in enumerate(self._lines) if line.lstrip().startswith("[")]
        self._first, self._last = 0, headers[0] if headers else len(self._lines)
        if table is None:
            return
        array, index = table
        pattern = re.compile(rf"\s*\[\[?\s*{re.escape(array)}\s*\]")
        starts = [n for n in headers if pattern.match(self._lines[n])]
        if index < len(starts):
            self._first = starts[index]
            self._last = next((n for n in headers if n > self._first), len(self._lines))

    def place(self, key: str) -> str:
        """Return ``file:line`` of the key, or of its table if the key is not found."""
        pattern = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*([=.\]])""")
        for line in range(self._first, self._last):
            if pattern.match(self._lines[line]):
                return f"{self._source}:{line + 1}"
        for line, content in enumerate(self._lines):
            if pattern.match(content):
                return f"{self._source}:{line + 1}"
        return self.table_place()

    def table_place(self) -> str:
        """Return ``file:line`` of the table's first line."""
        return f"{self._source}:{self._first + 1}"
