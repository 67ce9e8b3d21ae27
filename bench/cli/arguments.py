"""Arguments shared by several verbs."""

import argparse
import math
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from bench.cluster.binaries import KUBERNETES_VERSION, Version
from bench.model import External
from bench.plan.client_plan import VARIABLE
from bench.plan.toml_schema import NAME
from bench.report.language import ENGLISH, LANGUAGES
from kube_informer.redaction import register_secret


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add ``--results`` and ``--reports``."""
    parser.add_argument(
        "--results", type=folder, default=Path("results"), help="folder of runs (%(default)s/)"
    )
    parser.add_argument(
        "--reports", type=folder, default=Path("reports"), help="folder of reports (%(default)s/)"
    )


def add_language(parser: argparse.ArgumentParser) -> None:
    """Add ``--lang``."""
    parser.add_argument(
        "--lang",
        choices=LANGUAGES,
        default=ENGLISH,
        help="language of page, terminal and Markdown (%(default)s); data files are in English",
    )


def folder(text: str) -> Path:
    """Read a folder, which need not exist yet."""
    path = Path(text)
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise argparse.ArgumentTypeError(f"{nearest} is a file; name a folder, which may be new")
    return path


def add_kubernetes(parser: argparse.ArgumentParser, whose: str) -> None:
    """Add ``--kubernetes``, the version of ``whose``."""
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
        return str(Version.parse_request(text))
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


_HARMLESS = re.compile(r"\d{0,6}|true|false|on|off|yes|no")
_COMPUTED = re.compile(r"""^(?:[^'$`]|'[^']*')*[$`]""")
"""A value that the shell computes; in single quotes a dollar is literal."""

pod_count = whole_number(1, 50_000)
round_count = whole_number(1, 100)
churn_rate = number(0, 1000)
"""Writes per second."""


def client_command(text: str) -> tuple[str, str]:
    """Read a client, ``CMD`` or ``NAME=CMD``, unchanged; its name is "" if none is given."""
    name, equals, command = text.partition("=")
    if not equals or not NAME.fullmatch(name):
        name, command = "", text
    if not command.strip():
        raise argparse.ArgumentTypeError("a client is a command, or NAME=CMD")
    return name, command


def external_server(text: str) -> External:
    """Read ``NAME=CMD``: a server that is not part of this project."""
    name, equals, command = text.partition("=")
    if not equals or not NAME.fullmatch(name) or not command.strip():
        raise argparse.ArgumentTypeError(
            "write NAME=CMD: a name of lower-case letters, digits and hyphens, and a command, "
            f"not {name!r}{' without a command' if not command.strip() else ''}"
        )
    return External(name, without_values(name, command))


def without_values(server: str, command: str) -> str:
    """Return ``command`` without the values of the variables set in front of it.

    A command is kept with the run and visible in process lists. The values, which may be
    secrets, go into the environment under names with the server's prefix, and the command
    reads them from there, so no two servers may share a name. Numbers, switches, and values that
    the shell computes stay.
    """
    assignments = ""
    while (match := VARIABLE.match(command)) is not None:
        variable, value = match.groups()
        command = command[match.end() :]
        if not (_HARMLESS.fullmatch(value) or _COMPUTED.search(value)):
            secret = "".join(shlex.split(value))
            prefixed = f"{server.upper().replace('-', '_')}_{variable}"
            os.environ[prefixed] = secret
            register_secret(secret)
            value = f'"${{{prefixed}:?is not kept with a run; set it to go on}}"'
        assignments += f"{variable}={value} "
    return assignments + command
