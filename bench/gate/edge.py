"""Where a verdict leaves the program: three files beside the report, and the terminal."""

from pathlib import Path

from bench.forms import edge
from bench.forms.files import write_bytes
from bench.gate.judge import Verdict
from bench.gate.record import to_json
from bench.gate.table import sheet_of


def publish(verdict: Verdict, folder: Path) -> tuple[Path, ...]:
    """Write ``gate-<rules>.md``, ``.html`` and ``.json`` into ``folder``, and print the table.

    Raises ``OSError``.
    """
    sheet, name = sheet_of(verdict), f"gate-{verdict.rules.name}"
    paths = edge.write(sheet, folder, name)
    record = folder / f"{name}.json"
    write_bytes(record, to_json(verdict))
    edge.show(sheet)
    return (*paths, record)
