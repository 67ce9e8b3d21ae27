"""The subjects of a conformance run as processes: commands in, lines of JSON out."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.cluster.binaries.go_program import go_program
from bench.supervision.watchdog import Watchdog
from kube_informer import PODS, Resource

CLIENT_GO = "client-go"
KUBE_INFORMER = "kube-informer"
OFFICIAL = "official"

ROOT = Path(__file__).parents[2]
"""The folder from which Python imports this package."""

STARTS_WITHIN_S = 300.0
ANSWERS_WITHIN_S = 60.0


def client_go_program(watchdog: Watchdog, say: Callable[[str], None]) -> Path:
    """Return the program of client-go's subject, built once; raise as ``go_program``."""
    return go_program(Path(__file__).with_name("client_go"), CLIENT_GO, watchdog, say)


@dataclass(frozen=True, slots=True)
class Watched:
    """The objects that a subject watches, and the kubeconfig to use."""

    kubeconfig: Path
    context: str = ""
    resource: Resource = PODS
    namespace: str = ""
    objects: str = "dynamic"
    """How client-go holds objects: ``dynamic``, ``typed`` (protobuf), or ``metadata`` for all."""
    quiet: bool = False
    stream_initial: bool = False
    """Whether kube-informer requests a streamed state; the others keep their default."""

    def options(self) -> str:
        """Return it as the JSON that the command ``new`` takes."""
        options = {
            "kubeconfig": str(self.kubeconfig),
            "context": self.context,
            "group": self.resource.group,
            "version": self.resource.version,
            "resource": self.resource.plural,
            "namespace": self.namespace,
            "objects": self.objects,
            "quiet": self.quiet,
            "stream_initial": self.stream_initial,
        }
        return json.dumps(options)


class SubjectFailed(Exception):  # noqa: N818 - the name says what happened
    """Raised when a subject ends or does not answer; the message has the end of its log."""


class Subject:
    """One informer in its own process."""

    def __init__(self, name: str, client_go: Path, log: Path) -> None:
        self.name = name
        self._log = log
        self._seen: list[dict[str, Any]] = []
        self._reported = threading.Condition()
        python = [sys.executable, "-m", "informer.conformance.subject", f"--library={name}"]
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [str(client_go)] if name == CLIENT_GO else python,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def begin(self, watched: Watched) -> bool:
        """Make a new informer; return whether the library offers such an informer.

        Raise :class:`SubjectFailed` if the subject does not start.
        """
        self._seen.clear()
        self.send(f"new {watched.options()}")
        if not self.wait(lambda: self.saw("ready") or self.saw("refused"), STARTS_WITHIN_S):
            raise SubjectFailed(f"{self.name} did not start: {self.log_end()}")
        return self.saw("ready")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log_end(self) -> str:
        """Return the last line of the subject's log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it logged nothing"

    def send(self, command: str) -> None:
        """Send a command; the wait for its answer notices a subject that has ended."""
        stdin = self._process.stdin
        assert stdin is not None, "it was opened with a pipe"
        with contextlib.suppress(BrokenPipeError):
            stdin.write(command + "\n")
            stdin.flush()

    def ask(self, command: str, answer: str) -> dict[str, Any]:
        """Send a command and return its answer; raise :class:`SubjectFailed` if none comes."""
        before = self.count(answer)
        self.send(command)
        if not self.wait(lambda: self.count(answer) > before, ANSWERS_WITHIN_S):
            raise SubjectFailed(f"{self.name} gave no {answer} to {command}: {self.log_end()}")
        return [item for item in self._seen if item["event"] == answer][-1]

    def wait(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``reached()``, checked after each line; return whether it was in time."""
        deadline = time.monotonic() + timeout_s
        with self._reported:
            while not reached():
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0 or self._process.poll() is not None:
                    return reached()
                self._reported.wait(min(remaining_s, 0.2))
            return True

    def saw(self, event: str, **fields: object) -> bool:
        """Return whether it reported an event with these fields."""
        return self.count(event, **fields) > 0

    def count(self, event: str, **fields: object) -> int:
        """Return how often it reported an event with these fields."""
        pattern = {"event": event, **fields}.items()
        return sum(pattern <= item.items() for item in list(self._seen) if item["event"] == event)

    def cache(self) -> Mapping[str, str]:
        """Return the content of its cache: resourceVersions by key."""
        objects: dict[str, str] = self.ask("dump", "cache")["objects"]
        return objects

    def notified(self) -> Mapping[str, str]:
        """Return the sum of its handler's notifications: resourceVersions by key."""
        state: dict[str, str] = {}
        for item in list(self._seen):
            if item["event"] in ("add", "update"):
                state[item["key"]] = item["version"]
            elif item["event"] == "delete":
                state.pop(item["key"], None)
        return state

    def repeats(self) -> int:
        """Return the number of updates to the version that the handler already had."""
        versions: dict[str, str] = {}
        count = 0
        for item in list(self._seen):
            if item["event"] in ("add", "update"):
                count += item["event"] == "update" and versions.get(item["key"]) == item["version"]
                versions[item["key"]] = item["version"]
        return count

    def stop(self, timeout_s: float) -> bool:
        """Stop the informer; return whether it reported in time that all had ended."""
        self.send("stop")
        return self.wait(lambda: self.saw("stopped"), timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def is_idle(self) -> bool:
        """Whether its last informer was stopped, so that a new one can begin."""
        return self._process.poll() is None and (self.saw("stopped") or self.saw("refused"))

    def kill(self) -> None:
        """End the process and its pipes."""
        self._process.kill()
        self._process.wait()
        self._reader.join(ANSWERS_WITHIN_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None, "it was opened with a pipe"
        for line in stdout:
            with self._reported:
                self._seen.append(json.loads(line))
                self._reported.notify_all()


class Pool:
    """Reuses subjects: to start a process costs more than most histories."""

    def __init__(self, client_go: Path, folder: Path) -> None:
        self._client_go = client_go
        self._folder = folder
        self._lock = threading.Lock()
        self._idle: dict[str, list[Subject]] = {}
        self._count = 0

    @contextlib.contextmanager
    def take(self, name: str) -> Iterator[Subject]:
        """Lend a subject; end it afterwards if it has not stopped its informer, else reuse it."""
        with self._lock:
            idle = self._idle.setdefault(name, [])
            self._count += 1
            log = self._folder / f"{name}-{self._count}.log"
            subject = idle.pop() if idle else Subject(name, self._client_go, log)
        try:
            yield subject
        finally:
            if subject.is_idle:
                with self._lock:
                    idle.append(subject)
            else:
                subject.kill()

    def close(self) -> None:
        """End the idle subjects."""
        for idle in self._idle.values():
            for subject in idle:
                subject.kill()
