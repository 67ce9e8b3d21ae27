"""The targets of a population as a JSON file: written by the harness, read by the load."""

from pathlib import Path

import msgspec

from bench.model import Targets


class TargetsError(ValueError):
    """A targets file that is missing or says something else."""


def write_targets(path: Path, targets: Targets) -> None:
    """Write ``targets`` to ``path``."""
    path.write_bytes(msgspec.json.encode(targets))


def read_targets(path: Path) -> Targets:
    """Read the targets in ``path``; raise ``TargetsError`` naming the file and what is wrong."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Targets)
    except OSError as error:
        raise TargetsError(f"cannot read the targets in {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise TargetsError(f"{path} holds no targets: {error}") from error
