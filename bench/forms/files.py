"""Writing a file whole, in place of the one that was there."""

from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write ``text``; a reader never sees half of it. Raises ``OSError``."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content``; a reader never sees half of it. Raises ``OSError``."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_bytes(content)
    partial.replace(path)
