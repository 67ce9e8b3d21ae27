"""The benchmark's command line as a process, with a check of its temporary folder."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.cluster.binaries import Binaries
from bench.store import RunReader, Store
from bench.supervision.stoppable import Stoppable
from bench.supervision.waiting import wait_until

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 480.0
"""A bound for what hangs: a run shares the machine with whatever else is tested there."""

TINY = """\
name = "tiny"
description = "As small as a run can be."
seed = 5
servers = ["direct", "informer", "none"]
rounds = 1
warmup_s = 0.5
duration_s = 1.5
cooldown_s = 0.5

[[scenarios]]
name = "all"
route = "list-all"
users = 40
rate_rps = 10
pods = 40
churn_per_s = 10
"""
"""With more users than arrivals, so that none is dropped on a machine that is busy."""
QUICK = (
    (
        "warmup_s = 0.5\nduration_s = 1.5\ncooldown_s = 0.5",
        "warmup_s = 0\nduration_s = 1\ncooldown_s = 0",
    ),
    ("[[scenarios]]", "[[scenarios]]\nprobe = false"),
)
"""Changes for the shortest windows."""
MANY_PODS = ("pods = 40", "pods = 2000")
LONG_WARM_UP = ("warmup_s = 0.5", "warmup_s = 60")
LONG_WINDOW = ("duration_s = 1.5", "duration_s = 600")
ONLY_INFORMER = ('["direct", "informer", "none"]', '["informer"]')
ONLY_DIRECT = ('["direct", "informer", "none"]', '["direct"]')


class BenchProcess(Stoppable):
    """A running ``python -m bench ...``; its messages are read from a file."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], binaries: Binaries | None) -> None:
        """Start it with ``binaries`` named in its environment; ``None``: it looks for its own."""
        self.folder = folder
        self.results = folder / "results"
        self.reports = folder / "reports"
        self.scratch = folder / "tmp"
        self.scratch.mkdir(exist_ok=True)
        self.messages = folder / "messages.txt"
        self.output = folder / "output.txt"
        environment = os.environ | {"TMPDIR": str(self.scratch)}
        if binaries is not None:
            environment["TEST_ASSET_KUBE_APISERVER"] = str(binaries.kube_apiserver)
            environment["TEST_ASSET_ETCD"] = str(binaries.etcd)
        with self.messages.open("wb") as messages, self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench", *arguments],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=messages,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """Its messages so far."""
        return self.messages.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until its messages have ``text``."""
        deadline = time.monotonic() + TIMEOUT_S
        while text not in self.text:
            assert self.process.poll() is None, f"ended without saying {text!r}:\n{self.text}"
            assert time.monotonic() < deadline, f"did not say {text!r}:\n{self.text}"
            time.sleep(0.02)

    def wait_for_child(self, *words: str) -> psutil.Process:
        """Wait until it has started a process whose command line has all ``words``."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            with suppress(AssertionError, psutil.NoSuchProcess):
                return self.child(*words)
            assert time.monotonic() < deadline, f"it started nothing like {words}"
            time.sleep(0.02)

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout_s)

    def ends(self, code: int, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for its end, and assert an orderly one: no stack trace, nothing left."""
        assert code == self.wait(timeout_s), self.text
        assert "Traceback" not in self.text
        assert [] == self.left_behind()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it, not to its children."""
        os.kill(self.process.pid, number)

    def stop(self) -> None:
        """Kill it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def child(self, *words: str) -> psutil.Process:
        """Return the first process that it started whose command line has all ``words``."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            line = " ".join(child.cmdline())
            if all(word in line for word in words):
                return child
        raise AssertionError(f"it started nothing like {words}")

    def left_behind(self) -> list[str]:
        """Return the processes that use its temporary folder, and the folder's content."""
        mark = str(self.scratch)
        processes = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            line = " ".join(process.info["cmdline"] or ())
            has_it = (process.info["environ"] or {}).get("TMPDIR") == mark
            if (has_it or mark in line) and lives(process):
                processes.append(line)
        return processes + [str(path) for path in self.scratch.iterdir()]

    def wait_until_nothing_is_left(self, timeout_s: float = 15) -> None:
        """Give the watchdog time to clean up after a harness that could not."""
        wait_until(lambda: not self.left_behind(), timeout_s, 0.1)
        assert [] == self.left_behind()


def often(stage: str, *changes: tuple[str, str]):
    """A stage for every run of the suite."""
    return pytest.param(stage, changes)


def seldom(stage: str, *changes: tuple[str, str]):
    """A stage for the long form only, because it differs little from its neighbours."""
    return pytest.param(stage, changes, marks=pytest.mark.soak)


def only_run(bench: BenchProcess) -> RunReader:
    """The run that it made, with or without a trial."""
    store = Store(bench.results)
    (name,) = store.runs()
    return store.open(name)


def changed(plan: str, *changes: tuple[str, str]) -> str:
    """Return the plan's text with each old text of ``changes``, which must be in it, replaced."""
    for old, new in changes:
        assert old in plan
        plan = plan.replace(old, new)
    return plan


def lives(process: psutil.Process) -> bool:
    """Return whether the process runs; it may end meanwhile."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def folders(path: Path) -> tuple[str, ...]:
    """Return the options that keep results and reports below ``path``."""
    return ("--results", str(path / "results"), "--reports", str(path / "reports"))
