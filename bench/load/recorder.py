"""Recorder of one row per request of a window: appended cheaply, written once at the end.

Appending numbers to arrays takes a microsecond or two, so recording does not distort the
measurement; nothing is rounded or binned before analysis.
"""

import io
from array import array
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_NEVER = -1
"""Stands for null: no time is before the window's begin, and no list has fewer than 0 entries."""


class Result(IntEnum):
    """How a request ended; the value is its code in the ``outcome`` dictionary."""

    OK = 0
    FAILED = 1
    TIMEOUT = 2
    DROPPED = 3


class Row(NamedTuple):
    """Result of one request; times in seconds on one clock, ``None`` for never."""

    intended_s: float
    sent_s: float | None
    done_s: float | None
    status: int
    body_bytes: int
    ask: int
    """Index of the question in the route."""
    result: Result
    entries: int | None = None
    """Number of pods in the body, if it was read in full."""


class Recorder:
    """The rows of one window, times in microseconds from its begin.

    ``labels`` are the route templates of the route's asks, in their order.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._intended_us = array("q")
        self._sent_us = array("q")
        self._done_us = array("q")
        self._status = array("h")
        self._bytes = array("q")
        self._ask = array("i")
        self._entries = array("i")
        self._outcome = array("b")

    def __len__(self) -> int:
        return len(self._intended_us)

    def add(self, row: Row, begin_s: float = 0.0) -> None:
        """Append ``row`` of the window that began at ``begin_s`` on the row's clock."""
        intended_s, sent_s, done_s, status, body_bytes, ask, result, entries = row
        self._intended_us.append(round((intended_s - begin_s) * 1e6))
        self._sent_us.append(_NEVER if sent_s is None else round((sent_s - begin_s) * 1e6))
        self._done_us.append(_NEVER if done_s is None else round((done_s - begin_s) * 1e6))
        self._status.append(status)
        self._bytes.append(body_bytes)
        self._ask.append(ask)
        self._entries.append(_NEVER if entries is None else entries)
        self._outcome.append(result)

    def lag_ms(self, percentile: float) -> float | None:
        """Return that percentile of sent minus intended, ``None`` when nothing was sent."""
        sent = _values(self._sent_us)
        return lag_ms((sent - _values(self._intended_us))[sent != _NEVER], percentile)

    def table(self) -> pa.Table:
        """Return the rows, in the order in which the requests ended."""
        names = list(dict.fromkeys(self._labels))
        route_of = np.array([names.index(label) for label in self._labels], np.int16)
        columns = {
            "intended_us": _column(_values(self._intended_us)),
            "sent_us": _nullable(self._sent_us),
            "done_us": _nullable(self._done_us),
            "status": _column(_values(self._status)),
            "bytes": _column(_values(self._bytes)),
            "route": _encoded(route_of[_values(self._ask)], names),
            "outcome": _encoded(_values(self._outcome), [result.name.lower() for result in Result]),
            "ask": _column(_values(self._ask)),
            "entries": _nullable(self._entries),
        }
        return pa.Table.from_arrays([*columns.values()], names=[*columns])


def write_rows(table: pa.Table, path: Path) -> None:
    """Write rows as Parquet, completely or not at all."""
    write_packed(packed(table), path)


def write_packed(rows: bytes, path: Path) -> None:
    """Write packed rows, completely or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(rows)
    partial.replace(path)


def packed(table: pa.Table) -> bytes:
    """Return rows as Parquet (zstd)."""
    sink = io.BytesIO()
    # without the Arrow schema, names are read as plain strings; Parquet keeps its dictionaries
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def lag_ms(late_us: np.ndarray, percentile: float) -> float | None:
    """Return that percentile of delays in milliseconds, ``None`` when there are none."""
    if not late_us.size:
        return None
    return float(np.percentile(late_us, percentile, method="higher")) / 1e3


def _values(numbers: "array[int]") -> np.ndarray:
    return np.frombuffer(numbers, numbers.typecode)


def _column(values: np.ndarray, valid: pa.Buffer | None = None) -> pa.Array:
    """Return ``values`` unchanged. ``pa.array`` imports pandas: a third of a load's start."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])


def _nullable(numbers: "array[int]") -> pa.Array:
    values = _values(numbers)
    return _column(values, pa.py_buffer(np.packbits(values != _NEVER, bitorder="little")))


def _encoded(codes: np.ndarray, names: Sequence[str]) -> pa.Array:
    texts = [name.encode() for name in names]
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    buffers = pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))
    return pa.DictionaryArray.from_arrays(
        _column(codes), pa.StringArray.from_buffers(len(texts), *buffers)
    )
