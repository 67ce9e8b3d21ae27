"""The subjects of a conformance run as processes: commands in, lines of JSON out."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kube_informer import PODS, Resource

CLIENT_GO = "client-go"
KUBE_INFORMER = "kube-informer"
OFFICIAL = "official"

ROOT = Path(__file__).parents[2]
"""Where Python finds this package."""

STARTS_WITHIN_S = 120.0
ANSWERS_WITHIN_S = 30.0


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

    def arguments(self) -> list[str]:
        """Return the command-line arguments that every subject understands."""
        named = {
            "kubeconfig": str(self.kubeconfig),
            "context": self.context,
            "group": self.resource.group,
            "version": self.resource.version,
            "resource": self.resource.plural,
            "namespace": self.namespace,
            "objects": self.objects,
        }
        return [f"--{name}={value}" for name, value in named.items()] + ["--quiet"] * self.quiet


class SubjectFailed(Exception):  # noqa: N818 - the name says what happened
    """A subject ended, or did not answer; the message holds the end of its log."""


class Subject:
    """One informer in a process of its own."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        self._seen: list[dict[str, Any]] = []
        self._came = threading.Condition()
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def of(cls, name: str, watched: Watched, client_go: Path, log: Path) -> Self:
        """Start the subject ``name``; raise :class:`SubjectFailed` if it does not come up."""
        python = [sys.executable, "-m", "informer.conformance.subject", f"--library={name}"]
        command = [str(client_go)] if name == CLIENT_GO else python
        subject = cls(name, [*command, *watched.arguments()], log)
        if not subject.wait(lambda: subject.saw("ready"), STARTS_WITHIN_S):
            code = subject.poll()
            subject.kill()
            raise SubjectFailed(f"{name} did not come up (exit code {code}): {subject.log_end()}")
        return subject

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, ``None`` while it runs."""
        return self._process.poll()

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
        """Stop it; return whether it said in time that all had ended, then end the process."""
        self.order("stop")
        ended = self.wait(lambda: self.saw("stopped"), timeout_s)
        self.kill()
        return ended

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

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
