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
"""Where Python finds this package."""

STARTS_WITHIN_S = 300.0
ANSWERS_WITHIN_S = 60.0


def client_go_program(watchdog: Watchdog, say: Callable[[str], None]) -> Path:
    """Return the program of client-go's subject, built once; raise as ``go_program``."""
    return go_program(Path(__file__).with_name("client_go"), CLIENT_GO, watchdog, say)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a subject is to watch, and through which kubeconfig."""

    kubeconfig: Path
    context: str = ""
    resource: Resource = PODS
    namespace: str = ""
    objects: str = "dynamic"
    """How client-go holds objects: ``dynamic``, ``typed`` (protobuf), or ``metadata`` for all."""
    quiet: bool = False
    stream_initial: bool = False
    """Whether kube-informer asks for a streamed state; the others do as is their default."""

    def options(self) -> str:
        """Return it as the JSON that the command ``new`` takes."""
        named = {
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
        return json.dumps(named)


class SubjectFailed(Exception):  # noqa: N818 - the name says what happened
    """A subject ended, or did not answer; the message holds the end of its log."""


class Subject:
    """One informer in a process of its own."""

    def __init__(self, name: str, client_go: Path, log: Path) -> None:
        self.name = name
        self._log = log
        self._seen: list[dict[str, Any]] = []
        self._came = threading.Condition()
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
        """Make a new informer; return whether the library offers such a one.

        Raise :class:`SubjectFailed` if it does not come up.
        """
        self._seen.clear()
        self.order(f"new {watched.options()}")
        if not self.wait(lambda: self.saw("ready") or self.saw("refused"), STARTS_WITHIN_S):
            raise SubjectFailed(f"{self.name} did not come up: {self.log_end()}")
        return self.saw("ready")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log_end(self) -> str:
        """Return the last line that the subject logged."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it logged nothing"

    def order(self, command: str) -> None:
        """Send a command; a subject that has ended is noticed when its answer is waited for."""
        stdin = self._process.stdin
        assert stdin is not None, "it was opened with a pipe"
        with contextlib.suppress(BrokenPipeError):
            stdin.write(command + "\n")
            stdin.flush()

    def ask(self, command: str, answer: str) -> dict[str, Any]:
        """Send a command and return its answer; raise :class:`SubjectFailed` if none comes."""
        before = self.count(answer)
        self.order(command)
        if not self.wait(lambda: self.count(answer) > before, ANSWERS_WITHIN_S):
            raise SubjectFailed(f"{self.name} gave no {answer} to {command}: {self.log_end()}")
        return [one for one in self._seen if one["event"] == answer][-1]

    def wait(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``reached()``, asked after each line; return whether it was in time."""
        deadline = time.monotonic() + timeout_s
        with self._came:
            while not reached():
                left = deadline - time.monotonic()
                if left <= 0 or self._process.poll() is not None:
                    return reached()
                self._came.wait(min(left, 0.2))
            return True

    def saw(self, event: str, **fields: object) -> bool:
        """Whether it reported an event with these fields."""
        return self.count(event, **fields) > 0

    def count(self, event: str, **fields: object) -> int:
        """Return how often it reported an event with these fields."""
        wanted = {"event": event, **fields}.items()
        return sum(wanted <= one.items() for one in list(self._seen) if one["event"] == event)

    def cache(self) -> Mapping[str, str]:
        """Return what is in its cache: resourceVersions by key."""
        objects: dict[str, str] = self.ask("dump", "cache")["objects"]
        return objects

    def told(self) -> Mapping[str, str]:
        """Return what its handler was told, added up: resourceVersions by key."""
        state: dict[str, str] = {}
        for one in list(self._seen):
            if one["event"] in ("add", "update"):
                state[one["key"]] = one["version"]
            elif one["event"] == "delete":
                state.pop(one["key"], None)
        return state

    def repeats(self) -> int:
        """Return how many updates brought the version that was told before."""
        versions: dict[str, str] = {}
        found = 0
        for one in list(self._seen):
            if one["event"] in ("add", "update"):
                found += one["event"] == "update" and versions.get(one["key"]) == one["version"]
                versions[one["key"]] = one["version"]
        return found

    def stop(self, timeout_s: float) -> bool:
        """Stop the informer; return whether it said in time that all had ended."""
        self.order("stop")
        return self.wait(lambda: self.saw("stopped"), timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def is_idle(self) -> bool:
        """Whether its last informer was stopped, so that a new one may begin."""
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
            with self._came:
                self._seen.append(json.loads(line))
                self._came.notify_all()


class Pool:
    """Subjects that are used again: to start a process costs more than most histories."""

    def __init__(self, client_go: Path, folder: Path) -> None:
        self._client_go = client_go
        self._folder = folder
        self._lock = threading.Lock()
        self._idle: dict[str, list[Subject]] = {}
        self._count = 0

    @contextlib.contextmanager
    def take(self, name: str) -> Iterator[Subject]:
        """Lend a subject; one that does not stop its informer is ended, not used again."""
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
        """End those that are idle."""
        for idle in self._idle.values():
            for subject in idle:
                subject.kill()
