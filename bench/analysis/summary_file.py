"""Write and read ``summary.json``, and make its JSON Schema."""

from pathlib import Path
from typing import Any

import msgspec

from bench.analysis.result import SUMMARY_SCHEMA, RunAnalysis
from bench.analysis.run import analyse
from bench.store import Store

NAME = "summary.json"
SCHEMA_NAME = "summary.schema.json"


class SummaryError(Exception):
    """Raised when a summary is unreadable; names the file, the key and the expected value."""


def load_summary(store: Store, run_or_file: str) -> RunAnalysis:
    """Return the analysis of a run (name, folder, or latest) or of a ``.json`` file.

    Raises ``StoreError`` or ``SummaryError`` if a file is missing or damaged.
    """
    if run_or_file.endswith(".json"):
        return read_summary(Path(run_or_file))
    return analyse(store.open(run_or_file))


def to_json(analysis: RunAnalysis) -> bytes:
    """Return the content of ``summary.json``."""
    return msgspec.json.format(msgspec.json.encode(analysis), indent=2) + b"\n"


def read_summary(path: Path) -> RunAnalysis:
    """Read a ``summary.json``.

    Raises ``SummaryError`` if it is missing, no JSON, of a newer version, or has a wrong value.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SummaryError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        raw: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SummaryError(f"{path} is not valid JSON: {error}") from error
    version = raw.get("summary_schema") if isinstance(raw, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise SummaryError(
            f"{path} is no summary of a run: it has no whole number under 'summary_schema'. "
            f"Summaries are written by: python -m bench report RUN"
        )
    if version > SUMMARY_SCHEMA:
        raise SummaryError(
            f"{path} is of version {version}; this program reads up to {SUMMARY_SCHEMA}. "
            "Update informer-bench to read it"
        )
    try:
        return msgspec.json.decode(content, type=RunAnalysis)
    except msgspec.ValidationError as error:
        raise SummaryError(f"{path}: {error}") from error


def schema_json() -> bytes:
    """Return the JSON Schema of ``summary.json``, generated from the classes."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"informer-bench run summary, version {SUMMARY_SCHEMA}",
        **msgspec.json.schema(RunAnalysis),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=1) + b"\n"
