"""Base: another checkout, whose servers are measured in the same rounds as this one's."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.model import BASE, Base, Plan
from bench.plan import PlanError
from bench.sites.provenance import PACKAGES, commit_of
from bench.sut.peers import PEERS, built_peers, sources_of
from bench.sut.registry import Checkout, ServerError, ServerKind, commanded_kinds, server_kinds

OURS = ("servers/__main__.py", "informer/src/kube_informer")
"""Files by which a checkout of this project is recognised."""
SOFTWARE = """\
import importlib.metadata, json, platform, sys
found = {one.name: one.version for one in importlib.metadata.distributions()}
packages = {name: found[name] for name in json.loads(sys.argv[1]) if name in found}
print(json.dumps({"python_version": platform.python_version(), "packages": packages}))
"""
"""Run by the base's interpreter: prints the versions of its packages."""


class BaseError(PlanError):
    """Raised when the other checkout cannot be measured; the message has reason and remedy."""


def with_base(plan: Plan, folder: str, python: str = "") -> Plan:
    """Return the plan with an arm ``<server>@base`` for each server that ``folder`` has too.

    ``python`` is the interpreter of the servers there; empty for that of its ``.venv``. Raises
    ``BaseError``.
    """
    base = Base(folder, python)
    available = _kinds(base, plan)
    added = tuple(f"{name}{BASE}" for name in plan.servers if name in available)
    if not added:
        raise BaseError(
            f"--against {folder}: it has none of the plan's servers ({', '.join(plan.servers)}); "
            f"it has {', '.join(available)}"
        )
    return replace(plan, servers=(*plan.servers, *added), base=look_at(base))


def look_at(base: Base) -> Base:
    """Return the checkout's present commit and package versions; ``BaseError`` if it is missing."""
    checkout = _checkout(base)
    now = replace(base, commit=commit_of(checkout.folder))
    if not checkout.python:
        return now
    argv = [checkout.python, "-c", SOFTWARE, json.dumps(PACKAGES)]
    with _explain_failure(base, checkout):
        printed = subprocess.run(
            argv, cwd=checkout.folder, capture_output=True, text=True, check=True
        )
        return replace(now, **json.loads(printed.stdout))


def base_kinds(plan: Plan, say: Callable[[str], None]) -> dict[str, ServerKind]:
    """Return the servers of the plan's base by arm; builds peers in Go from its sources.

    Raises ``BaseError`` if one cannot be started, ``ServerError`` as ``built_peers`` does.
    """
    if (base := plan.base) is None:
        return {}
    checkout, kinds = _checkout(base), _kinds(base, plan)
    names = [arm.removesuffix(BASE) for arm in plan.servers if arm.endswith(BASE)]
    if missing := [name for name in names if name not in kinds]:
        raise BaseError(f"--against {base.folder}: it no longer has {', '.join(missing)}")
    kinds |= built_peers(names, say, checkout.folder)
    return {
        f"{name}{BASE}": replace(kinds[name], name=f"{name}{BASE}", checkout=checkout)
        for name in names
    }


def _kinds(base: Base, plan: Plan) -> dict[str, ServerKind]:
    """Return the plan's commands, and the checkout's servers if it is of this project."""
    checkout, kinds = _checkout(base), commanded_kinds(plan)
    if checkout.python:
        with _explain_failure(base, checkout):
            kinds |= server_kinds(checkout)
        kinds |= PEERS if sources_of(checkout.folder).is_dir() else {}
    elif not kinds:
        raise BaseError(
            f"--against {base.folder}: not a checkout of this project (it lacks "
            f"{' or '.join(OURS)}), and the plan starts no server by a command (--server NAME=CMD)"
        )
    return kinds


def _checkout(base: Base) -> Checkout:
    """Return the checkout, with an empty interpreter if it is of another project."""
    folder = Path(base.folder).absolute()
    if not folder.is_dir():
        raise BaseError(
            f"--against {base.folder}: no such folder; make it with: "
            f"git worktree add {base.folder} COMMIT"
        )
    if not all((folder / part).exists() for part in OURS):
        return Checkout(folder, "")
    python = Path(base.python).absolute() if base.python else folder / ".venv" / "bin" / "python"
    if not python.is_file():
        named = f"--against-python {base.python}" if base.python else f"--against {base.folder}"
        raise BaseError(
            f"{named}: no interpreter {python}; make the environment with: "
            f"make -C {base.folder} env, or name one that has its packages: --against-python FILE"
        )
    return Checkout(folder, str(python))


@contextmanager
def _explain_failure(base: Base, checkout: Checkout) -> Iterator[None]:
    """Raise ``BaseError`` with a remedy if the interpreter cannot start the checkout's servers."""
    try:
        yield
    except (ServerError, subprocess.CalledProcessError, OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise BaseError(
            f"--against {base.folder}: its servers cannot be started by {checkout.python} "
            f"({reason}); make its environment again with: make -C {base.folder} clean env, or "
            "name one that has its packages: --against-python FILE"
        ) from error
