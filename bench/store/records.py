"""JSON records: strict when written, strict when read, and the error names file and key."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.model import SCHEMA, EqualityRecord, RunRecord, TrialRecord
from bench.store.errors import StoreError
from bench.store.files import write_file

Record = TypeVar("Record", bound=RunRecord | TrialRecord | EqualityRecord)


def write_record(path: Path, record: RunRecord | TrialRecord | EqualityRecord) -> None:
    """Write ``record`` as indented JSON.

    Raises ``StoreError`` when it could not be read back, so that a wrong value is
    found when it is written.
    """
    try:
        content = msgspec.json.encode(record)
    except (TypeError, ValueError) as error:
        raise StoreError(f"cannot write {path}: {error}") from error
    _decode(path, content, type(record))
    write_file(path, msgspec.json.format(content, indent=2) + b"\n")


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read the record of type ``kind`` in ``path``.

    Raises ``StoreError`` when the file is missing, is no JSON, was written by a
    newer schema, or has a wrong value or an unknown key: each names the file and
    what was expected.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(f"{path} is missing") from error
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    return _decode(path, content, kind)


def _decode(path: Path, content: bytes, kind: type[Record]) -> Record:
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is not valid JSON: {error}") from error
    _check_schema(path, raw)
    try:
        record = msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise StoreError(f"{path}: {_readable(str(error))}") from error
    for complaint in _unknown_keys(raw, msgspec.to_builtins(record), ""):
        raise StoreError(f"{path}: {complaint}")
    return record


def _check_schema(path: Path, raw: object) -> None:
    if not isinstance(raw, dict) or not isinstance(raw.get("schema"), int):
        raise StoreError(f"{path}: key schema: expected a whole number, the version of the format")
    if raw["schema"] > SCHEMA:
        raise StoreError(
            f"{path} is of schema {raw['schema']}; this version reads up to {SCHEMA}. "
            "Update informer-bench to read it"
        )


def _readable(message: str) -> str:
    """Turn ``Expected `int`, got `str` - at `$.a.b``` into ``key a.b: expected ...``."""
    text, _, location = message.partition(" - at ")
    key = location.strip("`").removeprefix("$").lstrip(".")
    text = text[:1].lower() + text[1:].replace("`", "")
    return f"key {key}: {text}" if key else text


def _unknown_keys(raw: object, known: object, prefix: str) -> Iterator[str]:
    """Yield a complaint for each key of ``raw`` that the record lacks."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f" (the nearest known key is {near[0]})" if near else ""
                yield f"key {prefix}{key}: not a key of this record{hint}"
            else:
                yield from _unknown_keys(value, known[key], f"{prefix}{key}.")
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for index, (raw_item, known_item) in enumerate(zip(raw, known, strict=True)):
            yield from _unknown_keys(raw_item, known_item, f"{prefix.rstrip('.')}[{index}].")
