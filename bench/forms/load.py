"""A run's summary, from its results folder or from a ``summary.json`` that was kept."""

from pathlib import Path

from bench.analysis import analyse
from bench.forms.build import summarise_run
from bench.forms.json_file import read_summary
from bench.forms.summary import RunSummary
from bench.store import Store


def load_summary(store: Store, run_or_file: str) -> RunSummary:
    """Return the summary of a run (name, folder, or latest) or of a ``.json`` file.

    Raises ``StoreError`` or ``SummaryError``, which say what is missing or damaged.
    """
    if run_or_file.endswith(".json"):
        return read_summary(Path(run_or_file))
    return summarise_run(analyse(store.open(run_or_file)))
