"""The client-go subject: built from its pinned modules, once, into the user's cache."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.cluster.binaries.gobuild import a_toolchain
from bench.cluster.binaries.model import Request, Version
from bench.cluster.binaries.work import run
from bench.supervision.user_cache import default_folder
from bench.supervision.watchdog import Watchdog

SOURCES = Path(__file__).with_name("client_go")
NEEDED = (1, 26)


def client_go_program(watchdog: Watchdog, say: Callable[[str], None]) -> Path:
    """Return the program, building it if this version of it is not in the cache yet.

    Raise ``PassedOver`` with the reason where Go or the modules cannot be had.
    """
    folder = default_folder(os.environ) / "conformance"
    request = Request(Version(1, 37, 2), os.environ, folder.parent, say)
    program = folder / f"client-go-{_digest(request.target)}"
    if program.is_file():
        return program
    go = a_toolchain(request, watchdog, NEEDED)
    say(f"building the client-go program with go {go.version} (a minute or two the first time)")
    folder.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        run(
            "go build",
            [
                str(go.command),
                "build",
                "-trimpath",
                "-buildvcs=false",
                "-o",
                str(stage / "made"),
                ".",
            ],
            env={
                **go.env,
                "CGO_ENABLED": "0",
                "GOTOOLCHAIN": "local",
                "GOWORK": "off",
                "GOFLAGS": "-mod=readonly",
            },
            cwd=SOURCES,
            watchdog=watchdog,
            log=stage / "build.log",
            on_progress=lambda _, elapsed_s: say(f"still building ({elapsed_s:.0f} s so far)"),
        )
        (stage / "made").rename(program)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return program


def _digest(target: str) -> str:
    digest = hashlib.sha256(target.encode())
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((SOURCES / name).read_bytes())
    return digest.hexdigest()[:16]
