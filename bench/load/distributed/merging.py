"""Merge the rows of several workers into one table, with a column for the worker."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.load.distributed.registry import WorkerPoolError

WORKER = "worker"


def merged(parts: Sequence[tuple[str, Path, int]], into: Path) -> pa.Table:
    """Write the rows of ``parts`` as one Parquet file and return them.

    A part is a worker's name, the file with its rows, and how many it says there are.
    Times are microseconds from the begin of the window, which is one moment for all.
    Raises ``WorkerPoolError`` naming the worker whose rows did not come whole.
    """
    tables = [_named(name, path, rows) for name, path, rows in parts]
    table = pa.concat_tables(tables)
    partial = into.with_name(f".{into.name}.partial")
    pq.write_table(table, partial, compression="zstd", store_schema=False)
    partial.replace(into)
    return table


def lag_p99_ms(table: pa.Table) -> float | None:
    """Return the 99th percentile of sent minus intended, ``None`` when nothing was sent."""
    sent = table.filter(table["sent_us"].is_valid())
    if not len(sent):
        return None
    late_us = sent["sent_us"].to_numpy() - sent["intended_us"].to_numpy()
    return float(np.percentile(late_us, 99, method="higher")) / 1e3


def _named(name: str, path: Path, rows: int) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise WorkerPoolError(
            f"the rows of the load worker {name} did not come whole: {error}"
        ) from error
    if len(table) != rows:
        raise WorkerPoolError(f"{len(table)} of {rows} rows came from the load worker {name}")
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([name]))
    return table.append_column(WORKER, names)
