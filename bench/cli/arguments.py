"""Arguments that several verbs take."""

import argparse
from pathlib import Path

from bench.cluster.binaries import KUBERNETES_VERSION, Version
from bench.model import External
from bench.toml_file import NAME


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


def pod_count(text: str) -> int:
    """Read a number of pods."""
    number = int(text)
    if not 1 <= number <= 50_000:
        raise argparse.ArgumentTypeError(f"{number} is not from 1 to 50000")
    return number


def round_count(text: str) -> int:
    """Read a number of rounds."""
    number = int(text)
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{number} is not from 1 to 100")
    return number


def churn_rate(text: str) -> float:
    """Read a number of writes a second."""
    rate = float(text)
    if not 0 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1000")
    return rate


def external_server(text: str) -> External:
    """Read ``NAME=CMD``: a server that is not of this project."""
    name, equals, command = text.partition("=")
    if not equals or not NAME.fullmatch(name) or not command.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=CMD, NAME of lower-case letters, digits and hyphens"
        )
    return External(name, command)
