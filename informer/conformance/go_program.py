"""The client-go subject: a program in Go, built once."""

from collections.abc import Callable
from pathlib import Path

from bench.cluster.binaries.go_program import go_program
from bench.supervision.watchdog import Watchdog


def client_go_program(watchdog: Watchdog, say: Callable[[str], None]) -> Path:
    """Return the program; raise as ``go_program``."""
    return go_program(Path(__file__).with_name("client_go"), "client-go", watchdog, say)
