"""Check a TOML file written by a person against the keys that it may have.

An error names the file, the line, the key, its valid values and the nearest valid
key. The modules that read a file give its keys a meaning: plans, rules of the gate.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.resources.abc import Traversable
from pathlib import Path
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
    """Declaration of a key: its check, its documentation and its JSON schema derive from it.

    ``type`` is a msgspec type with its bounds. ``about`` is the meaning of the value, ``unit``
    the unit of a number, and ``example`` a value as TOML.
    """

    type: Any
    about: str
    example: str
    unit: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value."""
        schema = msgspec.json.schema(self.type)
        if "$ref" in schema:
            schema = schema["$defs"][schema["$ref"].rpartition("/")[2]]
        about = f"{self.about} ({self.unit})" if self.unit else self.about
        return {key: value for key, value in schema.items() if key != "title"} | {
            "description": about
        }

    @property
    def takes(self) -> str:
        """Description of the valid values."""
        schema = msgspec.json.schema(self.type)
        if "description" in schema:
            text: str = schema["description"]
        elif "enum" in self.schema:
            text = f"one of {', '.join(self.schema['enum'])}"
        elif schema["type"] == "boolean":
            text = "true or false"
        else:
            kind = "a whole number" if schema["type"] == "integer" else "a number"
            text = f"{kind} from {schema['minimum']} to {schema['maximum']}"
        return f"{self.unit} as {text}" if self.unit else text

    def check(self, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        """Return the value as the model's type; raise ``ValueError``."""
        return msgspec.convert(value, self.type)


def nearest(word: str, valid: Collection[str]) -> str:
    """Return a hint at the valid word most similar to ``word``, or ""."""
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f" (the nearest is {close[0]!r})" if close else ""


def names_in(folder: Traversable) -> list[str]:
    """Return the names of the TOML files in ``folder`` of this project."""
    files = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def text_of(
    name_or_file: str, folder: Traversable, what: str, lacking: str, failure: type[Exception]
) -> str:
    """Return the text of a ``.toml`` file, or of the file of this name in ``folder``.

    Raises ``failure`` when there is none; ``lacking`` and ``what`` are parts of its message.
    """
    if name_or_file.endswith(".toml"):
        try:
            return Path(name_or_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise failure(f"cannot read {what} {name_or_file}: {error}") from error
    names = names_in(folder)
    if name_or_file not in names:
        raise failure(
            f"{lacking} {name_or_file!r}{nearest(name_or_file, names)}; "
            f"there are {', '.join(names)}, or give a file that ends in .toml"
        )
    return (folder / f"{name_or_file}.toml").read_text(encoding="utf-8")


class TomlFile:
    """The text of a file, parsed; raises ``failure`` when it is not valid."""

    def __init__(self, text: str, source: str, failure: type[Exception]) -> None:
        """Parse ``text``; ``source`` is its name in errors."""
        self._source, self._failure, self._lines = source, failure, text.splitlines()
        try:
            self._document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise failure(f"{source}: not valid TOML: {error}") from error

    def head(self, keys: Mapping[str, Key], what: str, tables: Collection[str]) -> "Table":
        """Return the keys before the first table as a table; ``tables`` may follow."""
        return Table(self, self._lines_of(), self._document, keys, what, tables)

    def table(self, name: str, keys: Mapping[str, Key], what: str) -> "Table":
        """Return the table ``[name]``; it is empty if the file has none."""
        raw = self._document.get(name, {})
        if not isinstance(raw, dict):
            raise self.error(name, self._lines_of(), f"{name} is written as a table [{name}]")
        return Table(self, self._lines_of(name), raw, keys, what)

    def tables(self, array: str, keys: Mapping[str, Key], what: str) -> list["Table"]:
        """Return the ``[[array]]`` tables in their order."""
        raw = self._document.get(array, [])
        if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
            text = f"{array} are written as [[{array}]] tables"
            raise self.error(array, self._lines_of(), text)
        return [
            Table(self, self._lines_of(array, index), entry, keys, what)
            for index, entry in enumerate(raw)
        ]

    def error(self, key: str | None, lines: range, text: str) -> Exception:
        """Return the error for ``key``, with its line: in ``lines``, else in the whole file.

        Where the key is not found, or is ``None``, it names the first of the lines.
        """
        line = lines.start
        if key is not None:
            pattern = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*([=.\]])""")
            everywhere = (*lines, *range(len(self._lines)))
            line = next((n for n in everywhere if pattern.match(self._lines[n])), line)
        return self._failure(f"{self._source}:{line + 1}: {text}")

    def _lines_of(self, table: str = "", index: int = 0) -> range:
        """Return the lines of a table, from 0, the ``index``-th of an array; or of the head."""
        headers = [n for n, line in enumerate(self._lines) if line.lstrip().startswith("[")]
        pattern = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*\]")
        starts = [n for n in headers if table and pattern.match(self._lines[n])]
        first = starts[index] if index < len(starts) else -1
        return range(max(first, 0), next((n for n in headers if n > first), len(self._lines)))


class Table:
    """One table of the file, with its lines and the keys that it may have."""

    def __init__(
        self,
        file: TomlFile,
        lines: range,
        values: Mapping[str, Any],
        keys: Mapping[str, Key],
        what: str,
        tables: Collection[str] = (),
    ) -> None:
        self._file, self._lines, self._values = file, lines, values
        self._keys, self._what = keys, what
        known = [*keys, *tables]
        for key in values:
            if key not in known:
                valid = ", ".join(known)
                raise self.error(
                    key, f"{what} has no key {key!r}{nearest(key, known)}; its keys are {valid}"
                )

    def __contains__(self, key: str) -> bool:
        """Whether the table gives ``key``."""
        return key in self._values

    def build(self, model: type[T], **given: Any) -> T:  # noqa: ANN401 - fields of the model
        """Check every value and return them as the dataclass ``model``."""
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
        """Return the error that ``key`` is missing."""
        text = f"{self._what} needs {key!r}: {self._keys[key].takes}"
        return self._file.error(None, self._lines, text)

    def _checked(self, key: str) -> Any:  # noqa: ANN401 - any TOML value
        spec, value = self._keys[key], self._values[key]
        try:
            return spec.check(value)
        except ValueError:
            raise self.error(key, f"{key!r} takes {spec.takes}, not {value!r}") from None

    def error(self, key: str, text: str) -> Exception:
        """Return the error for ``key``, with its line."""
        return self._file.error(key, self._lines, text)
