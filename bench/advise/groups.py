"""Sum up requests, a batch of columns at a time: memory does not grow with the log.

DuckDB sums up, and keeps on disk what exceeds ``MEMORY``; ``docs/advise.md`` gives the reasons.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from bench.advise.formats import Request

BATCH = 50_000
"""Requests of a batch: about 40 MB."""
MEMORY = "150MB"
SUM_AFTER = 20
"""Batches after which the sums of batches are added up."""
QUIET_S = 60
"""Longer times without a line are not covered: a file is missing, or a clock jumped."""

_REQUESTS = """
CREATE OR REPLACE TEMP TABLE batch AS SELECT
  -- nodes are one client, and their names are names of objects
  CASE WHEN starts_with("user", 'system:node:') THEN 'system:node:*' ELSE "user" END AS "user",
  split_part(split_part(agent, ' ', 1), '/', 1) AS agent,
  address, verb, namespace,
  -- a write to a status is one of its object
  CASE WHEN verb IN ('get', 'list', 'watch') THEN resource ELSE split_part(resource, '/', 1) END
    AS resource,
  CASE WHEN verb NOT IN ('list', 'watch') THEN 'object'
       WHEN namespace = '' THEN 'all' ELSE 'namespace' END AS scope,
  -- versions, time-outs and pages are of a request, not of what it asks for
  name || array_to_string(list_sort(
    regexp_extract_all(query, '(?:^|&)((?:field|label)Selector=[^&]+)', 1)), '&') AS target,
  regexp_extract(query, '(?:^|&)resourceVersion=([^&]*)', 1) AS version,
  -- a watch cache ignores the limit at version 0; events have no watch cache
  CASE WHEN version <> '0' OR split_part(resource, '.', 1) = 'events'
    THEN try_cast(regexp_extract(query, '(?:^|&)limit=(\\d+)', 1) AS BIGINT) END AS page,
  contains(query, 'continue=') AS further,
  verb = 'watch' AND contains(query, 'sendInitialEvents=true') AS streamed,
  verb IN ('create', 'update', 'patch', 'delete') AND NOT contains(query, 'dryRun=')
    -- these subresources change no object
    AND split_part(resource, '/', 2) NOT IN
      ('token', 'exec', 'attach', 'portforward', 'proxy') AS is_write,
  started, code,
  -- a watch was asked for long before the line that ends it, maybe before the log begins
  epoch(try_cast(left("at", 19) AS TIMESTAMP))::BIGINT AS second,
  left(received, 19) AS asked
FROM requests;
CREATE OR REPLACE TEMP VIEW batch_by_second AS
SELECT "user", agent, resource, scope, count(*) AS n
FROM batch WHERE verb = 'list' AND NOT further GROUP BY "user", agent, resource, scope, asked"""
_TARGET = '"user", agent, resource, scope, namespace, target, address'
_COUNTS = {
    "lists": "verb = 'list' AND NOT further",
    "limited": "verb = 'list' AND NOT further AND page > 0",
    "pages": "verb = 'list' AND (further OR page > 0)",
    "fresh": "verb = 'list' AND NOT further AND version = '0'",
    "resumed": "verb = 'list' AND NOT further AND version NOT IN ('', '0')",
    "gets": "verb = 'get'",
    "watches_begun": "verb = 'watch' AND started",
    "watches_ended": "verb = 'watch' AND NOT started",
    "streams_begun": "streamed AND started",
    "streams_ended": "streamed AND NOT started",
    "failed": "code >= 400",
    "writes": "is_write",
}
"""Counts of a target: name -> condition on its lines."""
_TABLES = {
    "targets": (
        _TARGET,
        ", ".join(f"count(*) FILTER ({condition}) AS {name}" for name, condition in _COUNTS.items())
        + ", coalesce(sum(page) FILTER (verb = 'list'), 0) AS items"
        + ", min(second) AS first, max(second) AS last",
        # created and deleted objects count by resource only, below
        "batch WHERE verb IN ('get', 'list', 'watch', 'update', 'patch')",
    ),
    "written": (
        "resource, namespace",
        "count(*) AS writes",
        "batch WHERE is_write AND code < 400",
    ),
    "crowds": (
        '"user", agent, resource, scope',
        "sum(n) AS begun, sum(n * n) AS squares",
        "batch_by_second",
    ),
    "seconds": ("second", "count(*) AS lines", "batch WHERE second IS NOT NULL"),
    "verbs": ("verb", "count(*) AS lines", "batch"),
}
"""The kept sums: name -> keys, summed columns, and their source."""
_CLIENTS = """
SELECT "user", agent, resource, scope,
  count(*) AS pairs, count(DISTINCT namespace || '/' || target) AS targets,
  count(DISTINCT namespace) FILTER (namespace <> '') AS namespaces,
  count(DISTINCT address) AS addresses,
  {counts},
  any_value(crowd) AS crowd, bool_or(contains(target, 'Selector=')) AS selected,
  min(first) AS first, max(last) AS last
FROM targets LEFT JOIN (
  SELECT "user", agent, resource, scope, squares / begun AS crowd FROM crowds
) USING ("user", agent, resource, scope)
GROUP BY ALL
HAVING sum(lists) + sum(gets) + sum(watches_begun) + sum(watches_ended) > 0
ORDER BY ALL"""
_NAMED = """
SELECT resource, count(DISTINCT namespace || '/' || target) AS objects
FROM targets WHERE scope = 'object' AND failed < gets + writes GROUP BY resource"""
_PAGED = """
SELECT resource, sum(items) / sum(limited) - sum(items) / sum(pages) / 2.0 AS objects
FROM targets WHERE scope = 'all' AND limited > 0 AND pages > limited GROUP BY resource"""
"""Assumes that the last page is half full."""
_COVERED = """
SELECT coalesce(sum(least(gap, {quiet})) FILTER (gap > 0), 0) + 1, min(second), max(second)
FROM (SELECT second, second - lag(second) OVER (ORDER BY second) AS gap FROM seconds)"""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a log. Times are seconds since the epoch."""

    clients: Sequence[Row]
    """A row for each client (user and agent), resource and scope."""
    written: dict[tuple[str, str], int]
    """Resource and namespace -> successful writes."""
    named: dict[str, int]
    """Resource -> number of objects that were read or changed by name."""
    paged: dict[str, float]
    """Resource -> number of objects in a list that was read in pages."""
    verbs: dict[str, int]
    covered_s: float
    """Time that the log covers: a longer time without a line counts as ``QUIET_S``."""
    begins: int | None
    ends: int | None


def sum_up(requests: Iterable[Request], tick: Callable[[], None]) -> Sums:
    """Sum up ``requests``; call ``tick`` after each batch."""
    with TemporaryDirectory(prefix="informer-bench-") as folder, _open(folder) as base:
        rows, batches = iter(requests), 0
        while True:
            batch = list(islice(rows, BATCH))
            if not batch and batches:
                break
            _add(base, batch, first=not batches)
            batches += 1
            if batches % SUM_AFTER == 0:
                _sum_sums(base)
            tick()
        _sum_sums(base)
        return _result(base)


def _open(folder: str) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(Path(folder)),
        "threads": 2,
    }
    base = duckdb.connect(config=settings)
    base.execute("SET preserve_insertion_order = false")
    return base


def _add(base: duckdb.DuckDBPyConnection, rows: Sequence[Request], *, first: bool) -> None:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(Request._fields)
    types = [pa.string()] * (len(Request._fields) - 2) + [pa.bool_(), pa.int64()]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)]
    base.register("requests", pa.table(arrays, names=Request._fields))
    base.execute(_REQUESTS)
    for name, (keys, sums, source) in _TABLES.items():
        into = f"CREATE TEMP TABLE {name} AS" if first else f"INSERT INTO {name}"
        base.execute(f"{into} SELECT {keys}, {sums} FROM {source} GROUP BY ALL")


def _sum_sums(base: duckdb.DuckDBPyConnection) -> None:
    for name, (keys, *_) in _TABLES.items():
        key_names = [column.strip(' "') for column in keys.split(",")]
        rows = base.execute(f"SELECT * FROM {name} LIMIT 0")
        columns = [column for column, *_ in rows.description if column not in key_names]
        functions = {"first": "min", "last": "max"}
        sums = ", ".join(
            f"{functions.get(column, 'sum')}({column})::BIGINT AS {column}" for column in columns
        )
        base.execute(f"CREATE TEMP TABLE again AS SELECT {keys}, {sums} FROM {name} GROUP BY ALL")
        base.execute(f"DROP TABLE {name}; ALTER TABLE again RENAME TO {name}")


def _result(base: duckdb.DuckDBPyConnection) -> Sums:
    counts = ", ".join(f"sum({name})::BIGINT AS {name}" for name in (*_COUNTS, "items"))
    clients = _rows(base, _CLIENTS.format(counts=counts))
    written = _rows(base, "SELECT * FROM written")
    covered, begins, ends = base.execute(_COVERED.format(quiet=QUIET_S)).fetchall()[0]
    return Sums(
        clients,
        {(row["resource"], row["namespace"]): row["writes"] for row in written},
        {row["resource"]: row["objects"] for row in _rows(base, _NAMED)},
        {row["resource"]: float(row["objects"]) for row in _rows(base, _PAGED)},
        {row["verb"]: row["lines"] for row in _rows(base, "SELECT * FROM verbs")},
        float(covered) if begins is not None else 0.0,
        begins,
        ends,
    )


def _rows(base: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    result = base.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
