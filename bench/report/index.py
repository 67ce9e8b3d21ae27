"""``reports/index.html``: the reports there are, the newest first."""

from dataclasses import dataclass
from pathlib import Path

from bench.report.document import PAGE, template_environment
from bench.store import Store, StoreError


@dataclass(frozen=True, slots=True)
class Entry:
    """One report: the run's name, its plan, when it began and how far it got."""

    run: str
    plan: str
    started_at: str
    state: str


def write_index(store: Store, reports: Path) -> Path:
    """List the reports under ``reports`` whose runs ``store`` still has; return the page's path."""
    entries = []
    for run in store.runs():
        if not (reports / run / PAGE).is_file():
            continue
        try:
            record = store.open(run).record
        except StoreError:  # its own page, made before, stays; this list is only a convenience
            entries.append(Entry(run, "", "", "its results can no longer be read"))
            continue
        entries.append(Entry(run, record.plan.name, record.started_at, str(record.state)))
    entries.sort(key=lambda entry: entry.started_at, reverse=True)
    page = template_environment().get_template("index.html.j2").render(entries=entries)
    reports.mkdir(parents=True, exist_ok=True)
    path = reports / PAGE
    path.write_text(page, encoding="utf-8")
    return path
