"""A long piece of work by another program, with progress, and gone when we go."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.cluster.binaries.model import PassedOver
from bench.supervision.failure import read_tail
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

SAY_EVERY_S = 10.0
_POLL_S = 0.5
_SHOWN_LINES = 5


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
    """Run ``argv`` to its end; ``on_progress(log, elapsed_s)`` is called every 10 s.

    Raises ``PassedOver`` with the last words of its output if it fails.
    """
    log.unlink(missing_ok=True)
    began = said = time.monotonic()
    with SupervisedProcess.start(
        name, argv, env=env, cwd=cwd, log=log, watchdog=watchdog
    ) as process:
        while (returncode := process.wait(_POLL_S)) is None:
            if time.monotonic() - said >= SAY_EVERY_S:
                said = time.monotonic()
                on_progress(log, said - began)
    if returncode != 0:
        words = "; ".join(read_tail(log, lines=_SHOWN_LINES)) or "nothing"
        raise PassedOver(f"{name} failed with exit code {returncode}, saying: {words}")
