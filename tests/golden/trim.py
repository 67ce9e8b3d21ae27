"""How the recorded run beside this was made small: ``python -m tests.golden.trim RESULTS/RUN``.

Make one with ``python -m bench run tests/golden/plan.toml``. Kept: every record,
every row of every table but the scrapes, and of those the metrics that figures
are computed from. No value is changed.
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
KEPT = scraped_names() | {CLIENT_METRIC}


def trim(source: Path, target: Path) -> None:
    """Copy the run in ``source`` to ``target``, its scrapes cut down to what is used."""
    shutil.copytree(source, target)
    for path in target.glob("trials/*/scrapes.parquet"):
        scrapes = pd.read_parquet(path)
        # A series that stood still adds nothing to a difference.
        wide = scrapes.pivot(index=["source", "name", "labels"], columns="mark", values="value")
        moved = wide[wide["begin"].fillna(0) != wide["end"]].index
        key = pd.MultiIndex.from_frame(scrapes[["source", "name", "labels"]])
        # Of a metric that stood still as a whole one series stays: exposed is not the same as 0.
        still = KEPT - set(moved.get_level_values("name"))
        always = scrapes["name"].isin(still)
        kept = scrapes[scrapes["name"].isin(KEPT) & (key.isin(moved) | always)]
        columns = {name: kept[name].tolist() for name in SCRAPES.schema.names}
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
