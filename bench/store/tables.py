"""The tables of a trial: their columns; read and write them as Parquet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.store.errors import StoreError
from bench.store.files import copy_file, write_file

Rows = Sequence[Any] | Mapping[str, Sequence[Any]] | Path
"""Dataclass rows, columns by name, or a Parquet file to move in."""
ObserverRows = tuple[type, Rows]
"""The dataclass of an observer's rows, and the rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of table: the name of its file and the type of each column."""

    name: str
    schema: pa.Schema
    may_lack: frozenset[str] = frozenset()
    """Optional columns; they are null when the file lacks them."""

    @property
    def file(self) -> str:
        """Name of the file in a trial's folder."""
        return f"{self.name}.parquet"

    def empty(self) -> pd.DataFrame:
        """Return a frame with this table's columns and no rows."""
        frame: pd.DataFrame = self.schema.empty_table().to_pandas()
        return frame


def _table(
    name: str,
    required: Mapping[str, pa.DataType],
    optional: Sequence[str] = (),
    may_lack: Sequence[str] = (),
) -> Table:
    nullable = {*optional, *may_lack}
    columns = [pa.field(key, kind, nullable=key in nullable) for key, kind in required.items()]
    return Table(name, pa.schema(columns), frozenset(may_lack))


REQUESTS = _table(
    "requests",
    {
        "intended_us": pa.int64(),
        "sent_us": pa.int64(),
        "done_us": pa.int64(),
        "status": pa.int16(),
        "bytes": pa.int64(),
        "route": pa.string(),
        "outcome": pa.string(),
        "ask": pa.int32(),
        "entries": pa.int32(),
        "worker": pa.string(),
    },
    optional=("sent_us", "done_us"),
    may_lack=("ask", "entries", "worker"),
)
AUDIT = _table(
    "audit",
    {
        "audit_id": pa.string(),
        "user": pa.string(),
        "verb": pa.string(),
        "resource": pa.string(),
        "subresource": pa.string(),
        "namespace": pa.string(),
        "name": pa.string(),
        "code": pa.int16(),
        "uri": pa.string(),
        "stage": pa.string(),
        "received_us": pa.int64(),
        "at_us": pa.int64(),
        "user_agent": pa.string(),
    },
    may_lack=("user_agent",),
)
START = Table("start", AUDIT.schema, AUDIT.may_lack)
SCRAPES = _table(
    "scrapes",
    {
        "mark": pa.string(),
        "source": pa.string(),
        "name": pa.string(),
        "labels": pa.string(),
        "value": pa.float64(),
    },
)
SAMPLES = _table(
    "samples",
    {
        "at_us": pa.int64(),
        "process": pa.string(),
        "cpu_s": pa.float64(),
        "rss_bytes": pa.int64(),
        "pss_bytes": pa.int64(),
    },
    optional=("pss_bytes",),
)
TABLES = {table.name: table for table in (REQUESTS, AUDIT, START, SCRAPES, SAMPLES)}
"""In the order of the arguments of ``RunWriter.write_trial``."""
TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
"""Type of a column, by the annotation of a field."""


def observer_table(name: str, row: type) -> Table:
    """Return the table of an observer whose rows are of the dataclass ``row``.

    A column may be empty if its field may be ``None``. Raises ``StoreError`` for a name that
    another table has, and for a field of another type than int, float, str and bool.
    """
    if name in TABLES:
        raise StoreError(f"an observer cannot be called {name!r}: a trial has that table already")
    columns, optional = {}, []
    for key, annotation in get_type_hints(row).items():
        kinds = {*get_args(annotation)} or {annotation}
        if type(None) in kinds:
            optional.append(key)
        (kind,) = kinds - {type(None)}
        if kind not in TYPES:
            raise StoreError(f"{row.__name__}.{key}: no column can be made of {annotation}")
        columns[key] = TYPES[kind]
    return _table(name, columns, optional)


def write_table(folder: Path, table: Table, rows: Rows) -> None:
    """Write ``rows`` as ``table`` into ``folder``.

    Raises ``StoreError`` naming the file and the column when a column is missing,
    unknown, of another type, or empty where it may not be.
    """
    path = folder / table.file
    if isinstance(rows, Path):
        _move_in(path, table, rows)
        return
    _write(path, _arrow(path, table, rows))


def _move_in(path: Path, table: Table, source: Path) -> None:
    """Copy ``source`` to ``path``; cast columns that differ only in width."""
    try:
        source_schema = pq.read_schema(source)
        _check_names(source, table, dict.fromkeys(source_schema.names))
        target = _present(table, source_schema.names)
        if all(source_schema.field(column.name).type == column.type for column in target):
            copy_file(source, path)
            return
        content = pq.read_table(source).select(target.names)
        _write(path, content.replace_schema_metadata(None).cast(target))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{source} cannot be taken in as {table.file}: {error}") from error


def _write(path: Path, content: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(content, sink, compression="zstd")
    # Bytes first, file second: the disk's errors are then met in one place, by us.
    write_file(path, sink.getvalue().to_pybytes())


def read_table(folder: Path, table: Table, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Read ``table`` from ``folder``, or these ``columns`` of it: empty when the file is absent.

    Raises ``StoreError`` naming the file when it is damaged or has other columns.
    """
    path = folder / table.file
    names = [name for name in table.schema.names if columns is None or name in columns]
    if not path.exists():
        return table.empty()[names]
    with _opened(path) as opened:
        present = _check_columns(path, table, opened.schema_arrow).names
        content = _content(path, opened, [name for name in names if name in present])
    for name in set(names) - set(present):
        column = table.schema.field(name)
        content = content.append_column(column, pa.nulls(len(content), column.type))
    frame: pd.DataFrame = content.select(names).to_pandas(use_threads=False)
    return frame


def read_observed(folder: Path, name: str, columns: Collection[str]) -> pd.DataFrame:
    """Read the table of the observer ``name``, which has at least these ``columns``.

    Raises ``StoreError`` naming the file when it is absent, damaged, or lacks a column.
    """
    path = folder / f"{name}.parquet"
    with _opened(path) as opened:
        present = opened.schema_arrow.names
        if missing := sorted(set(columns) - set(present)):
            raise StoreError(f"{path}: missing columns: {', '.join(missing)}")
        frame: pd.DataFrame = _content(path, opened, present).to_pandas(use_threads=False)
    return frame


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read as Parquet: {error}") from error


def _content(path: Path, opened: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    try:
        return opened.read(columns=[*columns], use_threads=False)  # threads cost more than a trial
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error


def _arrow(path: Path, table: Table, rows: Sequence[Any] | Mapping[str, Sequence[Any]]) -> pa.Table:
    columns = rows if isinstance(rows, Mapping) else _columns(path, table, rows)
    _check_names(path, table, columns)
    arrays = []
    schema = _present(table, columns)
    for column in schema:
        try:
            array = pa.array(columns[column.name], type=column.type, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise StoreError(
                f"{path}: column {column.name}: expected {column.type}: {error}"
            ) from error
        if array.null_count and not column.nullable:
            raise StoreError(f"{path}: column {column.name}: {array.null_count} values are missing")
        arrays.append(array)
    lengths = {column.name: len(array) for column, array in zip(schema, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        raise StoreError(f"{path}: columns of unequal length: {lengths}")
    return pa.Table.from_arrays(arrays, schema=schema)


def _columns(path: Path, table: Table, rows: Sequence[Any]) -> dict[str, list[Any]]:
    if not rows:
        return {name: [] for name in table.schema.names}
    if not is_dataclass(rows[0]):
        raise StoreError(
            f"{path}: expected dataclass rows or columns, got {type(rows[0]).__name__}"
        )
    return {field.name: [getattr(row, field.name) for row in rows] for field in fields(rows[0])}


def _present(table: Table, names: Collection[str]) -> pa.Schema:
    """Return the columns of ``table``, without the optional ones that are not in ``names``."""
    columns = [
        field for field in table.schema if field.name in names or field.name not in table.may_lack
    ]
    return pa.schema(columns)


def _check_names(path: Path, table: Table, columns: Mapping[str, object]) -> None:
    expected = set(table.schema.names)
    if missing := sorted(expected - table.may_lack - set(columns)):
        raise StoreError(f"{path}: missing columns: {', '.join(missing)}")
    if unknown := sorted(set(columns) - expected):
        raise StoreError(f"{path}: unknown columns: {', '.join(unknown)}")


def _check_columns(path: Path, table: Table, schema: pa.Schema) -> pa.Schema:
    _check_names(path, table, dict.fromkeys(schema.names))
    present = _present(table, schema.names)
    for column in present:
        actual = schema.field(column.name).type
        if actual != column.type:
            raise StoreError(f"{path}: column {column.name}: expected {column.type}, got {actual}")
    return present
