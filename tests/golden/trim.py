"""Make the recorded run in this folder small: ``python -m tests.golden.trim RESULTS/RUN``.

Record a run with ``python -m bench run tests/golden/plan.toml``. Trimming keeps every record
and every row of every table but the scrapes, and of the scrapes the metrics from which figures
are computed. No value is changed.
"""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from bench.analysis.ledgers import CLIENT_METRIC
from bench.metrics import scraped_names
from bench.store.tables import SCRAPES, write_table

RUN = Path(__file__).with_name("run")
KEPT_METRICS = scraped_names() | {CLIENT_METRIC}


def trim(source: Path, target: Path) -> None:
    """Copy the run in ``source`` to ``target`` without the scraped series that nothing uses."""
    shutil.copytree(source, target)
    for path in target.glob("trials/*/scrapes.parquet"):
        scrapes = pd.read_parquet(path)
        # An unchanged series adds nothing to a difference.
        wide = scrapes.pivot(index=["source", "name", "labels"], columns="mark", values="value")
        changed = wide[wide["begin"].fillna(0) != wide["end"]].index
        key = pd.MultiIndex.from_frame(scrapes[["source", "name", "labels"]])
        # A metric without a changed series keeps them all: exposed is not the same as 0.
        unchanged = KEPT_METRICS - set(changed.get_level_values("name"))
        required = key.isin(changed) | scrapes["name"].isin(unchanged)
        rows = scrapes[scrapes["name"].isin(KEPT_METRICS) & required]
        columns = {name: rows[name].tolist() for name in SCRAPES.schema.names}
        write_table(path.parent, SCRAPES, columns)
    for path in target.glob("trials/*/*.parquet"):
        table = pq.read_table(path)
        pq.write_table(
            table,
            path,
            compression="zstd",
            compression_level=19,
            store_schema=False,
            write_statistics=False,
        )


if __name__ == "__main__":
    trim(Path(sys.argv[1]), RUN)
