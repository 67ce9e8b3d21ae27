"""Where a verdict leaves the program: three files beside the report, and the terminal."""

from pathlib import Path

from bench.forms import edge
from bench.forms.files import write_bytes
from bench.gate.judge import Verdict
from bench.gate.record import to_json
from bench.gate.table import sheet_of


def publish(verdict: Verdict, folder: Path) -> tuple[Path, ...]:
    """Write ``gate.md``, ``gate.html`` and ``gate.json`` into ``folder``, and print the table.

    Raises ``OSError``.
    """
    sheet = sheet_of(verdict)
    paths = edge.write(sheet, folder, "gate")
    record = folder / "gate.json"
    write_bytes(record, to_json(verdict))
    edge.show(sheet)
    return (*paths, record)
