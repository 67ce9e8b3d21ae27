"""``python -m bench.cluster.binaries.pin VERSION``: make another version of Kubernetes buildable.

Writes ``build/<version>/go.mod`` and ``go.sum``, to be committed: then ``--kubernetes``
builds that version if no ready-made binary is available. Kubernetes itself determines
every pin; nothing is chosen here:

- a ``replace`` for each module that its own go.mod takes from its ``staging`` folder
  (k8s.io/api and the like), by the published module of the same release, v0.<minor>.<patch>,
  and those of its go.mod that name a version;
- etcd's server of the version that kubeadm of the same release installs
  (``DefaultEtcdVersion`` in cmd/kubeadm/app/constants);
- the ``go`` line of its own go.mod, so that Go's own defaults are those of its time; not
  older than 1.24, the first Go that knows a ``tool`` line.

A failure leaves nothing behind.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cluster.binaries.gobuild import KUBECTL, SERVERS, a_toolchain
from bench.cluster.binaries.model import PassedOver, Request, Version
from bench.cluster.binaries.pins import PINS, Pin
from bench.cluster.binaries.toolchain import Toolchain
from bench.supervision.signals import Interrupted, unwinding_on_signals
from bench.supervision.user_cache import default_folder
from bench.supervision.watchdog import Watchdog

OLDEST_GO = (1, 24, 0)
MODULE = "informer-bench/controlplane"
_ETCD = re.compile(r'^\s*DefaultEtcdVersion = "(\d+\.\d+\.\d+)', re.MULTILINE)
_TIMEOUT_S = 1800.0
"""For one go command, which may download some hundred modules."""


class PinError(Exception):
    """Raised when a version cannot be pinned; the message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A Kubernetes release as its own sources describe it."""

    version: Version
    go: tuple[int, int, int]
    staged: tuple[str, ...]
    """Modules that it takes from its own tree."""
    replaced: tuple[tuple[str, str, str], ...]
    """Other modules that it replaces: old path, new path, new version."""
    etcd: Version


class Go:
    """The ``go`` command in a folder, without the user's own settings."""

    def __init__(self, toolchain: Toolchain, folder: Path) -> None:
        self._toolchain = toolchain
        self._folder = folder

    def run(self, *arguments: str) -> str:
        """Return the command's output; raises ``PinError`` with its last lines if it fails."""
        try:
            answer = subprocess.run(
                [self._toolchain.command, *arguments],
                cwd=self._folder,
                env=self._toolchain.env_for_build(modules="mod"),
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PinError(f"go {arguments[0]} took more than {_TIMEOUT_S:.0f} s") from error
        if answer.returncode != 0:
            last_lines = "; ".join((answer.stderr or answer.stdout).strip().splitlines()[-3:])
            raise PinError(f"go {' '.join(arguments)} failed: {last_lines}")
        return answer.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        """Return the JSON that the command prints."""
        document: dict[str, Any] = json.loads(self.run(*arguments))
        return document


def pin(version: Version, toolchain: Toolchain) -> Pin:
    """Write the pin of ``version``, replacing an existing one.

    Raises ``PinError``, or ``OSError`` if it cannot be written.
    """
    stage = PINS / f".making-{version}"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    try:
        go = Go(toolchain, stage)
        (stage / "go.mod").write_text(f"module {MODULE}\n\ngo {_dotted(OLDEST_GO)}\n")
        (stage / "go.mod").write_text(go_mod(read_upstream(version, go)))
        go.run("mod", "tidy")
        written = Pin(version, stage)
        if written.go > _go_version(toolchain.version):
            raise PinError(
                f"its modules ask for go {_dotted(written.go)}, this is go {toolchain.version}"
            )
        folder = PINS / str(version)
        shutil.rmtree(folder, ignore_errors=True)
        stage.rename(folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)  # it is gone if all went well
    return Pin(version, folder)


def read_upstream(version: Version, go: Go) -> Upstream:
    """Return the description of ``version`` in its module k8s.io/kubernetes."""
    module = go.json("mod", "download", "-json", f"k8s.io/kubernetes@v{version}")
    module_file = go.json("mod", "edit", "-json", module["GoMod"])
    rules = module_file.get("Replace") or ()
    constants = Path(module["Dir"]) / "cmd/kubeadm/app/constants/constants.go"
    etcd = _ETCD.search(constants.read_text(encoding="utf-8"))
    if etcd is None:
        raise PinError(f"Kubernetes {version} does not say which etcd kubeadm installs")
    return Upstream(
        version=version,
        go=_go_version(module_file["Go"]),
        staged=tuple(
            rule["Old"]["Path"] for rule in rules if rule["New"]["Path"].startswith("./staging/")
        ),
        replaced=tuple(
            (rule["Old"]["Path"], rule["New"]["Path"], rule["New"]["Version"])
            for rule in rules
            if "Version" in rule["New"]
        ),
        etcd=Version.parse(etcd[1]),
    )


def go_mod(upstream: Upstream) -> str:
    """Return the go.mod that ``go mod tidy`` completes."""
    release = f"v0.{upstream.version.minor}.{upstream.version.patch}"
    requires = (
        f"require (\n\tgo.etcd.io/etcd/server/v3 v{upstream.etcd}\n"
        f"\tk8s.io/kubernetes v{upstream.version}\n)"
    )
    lines = [
        f"module {MODULE}",
        f"go {_dotted(max(upstream.go, OLDEST_GO))}",
        "tool (\n\t" + "\n\t".join(program.package for program in (*SERVERS, KUBECTL)) + "\n)",
        requires,
        *(f"replace {module} => {module} {release}" for module in upstream.staged),
        *(f"replace {old} => {new} {version}" for old, new, version in upstream.replaced),
    ]
    return "\n\n".join(lines) + "\n"


def _go_version(text: str) -> tuple[int, int, int]:
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    if numbers is None:
        raise PinError(f"{text!r} is not a version of Go")
    return int(numbers[1]), int(numbers[2]), int(numbers[3] or 0)


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def main(arguments: Sequence[str] | None = None) -> int:
    """Pin the version that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster.binaries.pin",
        description="Make a version of Kubernetes buildable: writes its go.mod and go.sum, to be "
        "committed. Downloads some hundred Go modules; builds nothing.",
    )
    parser.add_argument("version", help="a released version of Kubernetes with its patch: 1.34.4")
    version_text = parser.parse_args(arguments).version
    try:
        version = Version.parse(version_text)
        with unwinding_on_signals(), Watchdog() as watchdog:
            request = Request(version, os.environ, default_folder(os.environ), print)
            toolchain = a_toolchain(request, watchdog, OLDEST_GO[:2])
            written = pin(version, toolchain)
    except (ValueError, PassedOver, PinError, OSError) as error:
        print(f"Kubernetes {version_text} cannot be pinned: {error}", file=sys.stderr)
        return 1
    except Interrupted as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"Kubernetes {written.kubernetes} with etcd {written.etcd}, go {_dotted(written.go)}")
    print(
        f"written: {written.folder / 'go.mod'} and go.sum; build: python -m bench binaries "
        f"--kubernetes {written.kubernetes}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
