"""``reports/index.html``: the reports there are, the newest first, each with its answer."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from bench.model import RunRecord
from bench.report.document import PAGE, template_environment
from bench.store import Store, StoreError
from bench.store.files import write_file

HEAD_CHARACTERS = 4_000
"""How far into a page its description stands at the most."""
_DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)">')


@dataclass(frozen=True, slots=True)
class Entry:
    """One report: the run's name and record, and the answer that its page gives.

    ``record`` is ``None`` when the results can no longer be read.
    """

    run: str
    record: RunRecord | None
    answer: str

    @property
    def started_at(self) -> str:
        """What the list is sorted by; empty without a record."""
        return self.record.started_at if self.record else ""


def write_index(store: Store, reports: Path) -> Path:
    """List the reports under ``reports`` whose runs ``store`` still has; return the page's path."""
    entries = []
    for run in store.runs():
        page = reports / run / PAGE
        if not page.is_file():
            continue
        try:
            record = store.open(run).record
        except StoreError:  # its own page, made before, stays; this list is only a convenience
            record = None
        entries.append(Entry(run, record, _answer(page)))
    entries.sort(key=lambda entry: entry.started_at, reverse=True)
    listed = template_environment().get_template("index.html.j2").render(entries=entries)
    reports.mkdir(parents=True, exist_ok=True)
    path = reports / PAGE
    write_file(path, listed.encode())
    return path


def _answer(page: Path) -> str:
    """Return the sentence at the top of a report; empty for one that does not say."""
    with page.open(encoding="utf-8", errors="replace") as file:
        found = _DESCRIPTION.search(file.read(HEAD_CHARACTERS))
    return html.unescape(found[1]) if found else ""
