"""Making a run's report, for the verbs that end with one."""

from pathlib import Path

from bench.progress import Progress
from bench.store import Store


def render_report(store: Store, run: str, reports: Path, progress: Progress) -> None:
    """Write the report of ``run``, print its summary, and say where the page is."""
    # here, because matplotlib takes a second that other commands need not wait for
    from bench.analysis.run import analyse
    from bench.report import render, terminal_summary, write_index

    progress.move("making the report", 0.0)
    reader = store.open(run)
    page = render(reader, reports / reader.record.run)
    write_index(store, reports)
    progress.settle()
    progress.console.print(terminal_summary(analyse(reader)))
    progress.say(f"report: {page}")
