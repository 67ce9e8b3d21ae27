"""The request rows of one test, put together from the pieces that came in."""

from pathlib import Path

import pandas as pd

from bench.store.tables import REQUESTS

TIMES = ("intended_us", "sent_us", "done_us")


def read_rows(folder: Path, server: str, *, begin_us: int) -> pd.DataFrame:
    """Return the rows of ``server``, times counted from ``begin_us`` (since the epoch).

    Pieces are ``<server>-<begin of its own in us>-<number>.parquet``; each is removed
    once it is read.
    """
    frames = [REQUESTS.empty()]
    for path in sorted(folder.glob(f"{server}-*.parquet")):
        frame = pd.read_parquet(path)
        shift = int(path.stem.split("-")[-2]) - begin_us
        for column in TIMES:
            frame[column] = frame[column].astype("Int64") + shift
        frames.append(frame)
        path.unlink()
    rows = pd.concat(frames) if len(frames) > 1 else frames[0]
    return rows.sort_values("intended_us", ignore_index=True)
