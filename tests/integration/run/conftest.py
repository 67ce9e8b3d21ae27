"""Runs as a person starts them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.cluster.binaries import Binaries
from tests.integration.run.bench_process import TINY, BenchProcess, folders

StartBench = Callable[..., BenchProcess]


@pytest.fixture
def start_bench(tmp_path: Path, binaries: Binaries) -> Iterator[StartBench]:
    """Starts ``python -m bench``; what still runs after the test is killed."""
    started: list[BenchProcess] = []

    def start(*arguments: str) -> BenchProcess:
        process = BenchProcess(tmp_path, arguments, binaries)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()


@pytest.fixture
def start_run(start_bench: StartBench, tmp_path: Path) -> StartBench:
    """Starts a tiny run; ``changes`` replace text in its plan."""

    def start(*changes: tuple[str, str]) -> BenchProcess:
        plan = TINY
        for old, new in changes:
            assert old in plan
            plan = plan.replace(old, new)
        (tmp_path / "tiny.toml").write_text(plan)
        return start_bench("run", str(tmp_path / "tiny.toml"), *folders(tmp_path))

    return start
