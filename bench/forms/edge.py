"""Where a sheet leaves the program: files, and the terminal."""

from pathlib import Path

from rich.console import Console

from bench.forms.files import write_text
from bench.forms.sheet import Sheet, to_html, to_markdown, to_terminal

LOG_WIDTH = 160
"""A log has no width of its own, and a table squeezed into 80 columns no reader."""


def write(sheet: Sheet, folder: Path, name: str) -> tuple[Path, Path]:
    """Write ``name``.md and ``name``.html into ``folder``; raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}.md", folder / f"{name}.html"
    write_text(paths[0], to_markdown(sheet))
    write_text(paths[1], to_html(sheet))
    return paths


def show(sheet: Sheet) -> None:
    """Print the sheet to standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    console.print(to_terminal(sheet))
