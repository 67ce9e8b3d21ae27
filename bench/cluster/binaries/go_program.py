"""Build this project's Go programs from their pinned modules, once, into the user's cache."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from bench.cluster.binaries.gobuild import a_toolchain
from bench.cluster.binaries.model import Request, Version
from bench.cluster.binaries.toolchain import run
from bench.supervision.user_cache import default_folder
from bench.supervision.watchdog import Watchdog

NEEDED = (1, 26)


def go_program(sources: Path, name: str, watchdog: Watchdog, say: Callable[[str], None]) -> Path:
    """Return the program ``name`` built from ``sources``; build it if it is not cached.

    ``sources`` holds ``go.mod``, ``go.sum`` and one package ``main``. Raises ``PassedOver``
    with the reason if Go or the modules are unavailable.
    """
    folder = default_folder(os.environ) / "programs"
    request = Request(Version(1, 37, 2), os.environ, folder.parent, say)
    program = folder / f"{name}-{_digest(sources, request.target)}"
    if program.is_file():
        return program
    go = a_toolchain(request, watchdog, NEEDED)
    say(f"building {name} with go {go.version} (a minute or two the first time)")
    with watchdog.staging(folder) as stage:
        run(
            "go build",
            [
                *(str(go.command), "build", "-trimpath", "-buildvcs=false"),
                *("-o", str(stage / "made"), "."),
            ],
            env=go.env_for_build(),
            cwd=sources,
            watchdog=watchdog,
            log=stage / "build.log",
            on_progress=lambda _, elapsed_s: say(f"still building ({elapsed_s:.0f} s so far)"),
        )
        (stage / "made").rename(program)
    return program


def _digest(sources: Path, target: str) -> str:
    digest = hashlib.sha256(target.encode())
    for file in sorted([*sources.glob("*.go"), sources / "go.mod", sources / "go.sum"]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
