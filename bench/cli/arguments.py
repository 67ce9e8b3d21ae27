"""Arguments that several verbs take."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from bench.cluster.binaries import KUBERNETES_VERSION, Version
from bench.model import External
from bench.plan.toml_schema import NAME


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add ``--results`` and ``--reports``."""
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of runs (%(default)s/)"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder of reports (%(default)s/)"
    )


def add_kubernetes(parser: argparse.ArgumentParser, whose: str) -> None:
    """Add ``--kubernetes``; ``whose`` says what gets the version."""
    parser.add_argument(
        "--kubernetes",
        type=kubernetes_version,
        metavar="VERSION",
        help=f"version of {whose}: 1.34 (any patch) or 1.34.4 (left out: {KUBERNETES_VERSION}); "
        "found, fetched or built",
    )


def kubernetes_version(text: str) -> str:
    """Read a version of Kubernetes."""
    try:
        return str(Version.wanted(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of a number from ``low`` to ``high``, for ``type`` of an argument."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of a whole number from ``low`` to ``high``, as ``number`` does."""

    def read(text: str) -> int:
        if not text.strip().isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return read


pod_count = whole_number(1, 50_000)
round_count = whole_number(1, 100)
churn_rate = number(0, 1000)
"""Writes a second."""


def external_server(text: str) -> External:
    """Read ``NAME=CMD``: a server that is not of this project."""
    name, equals, command = text.partition("=")
    if not equals or not NAME.fullmatch(name) or not command.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=CMD, NAME of lower-case letters, digits and hyphens"
        )
    return External(name, command)
