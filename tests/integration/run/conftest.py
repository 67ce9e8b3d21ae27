"""Runs as a person starts them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.cluster.binaries import Binaries
from tests.integration.run.bench_process import TINY, BenchProcess, changed, folders

StartBench = Callable[..., BenchProcess]


@pytest.fixture
def start_bench(tmp_path: Path, binaries: Binaries) -> Iterator[StartBench]:
    """Starts ``python -m bench``; what still runs after the test is killed."""
    with ExitStack() as stack:

        def start(*arguments: str) -> BenchProcess:
            return stack.enter_context(BenchProcess(tmp_path, arguments, binaries))

        yield start


@pytest.fixture
def start_run(start_bench: StartBench, tmp_path: Path) -> StartBench:
    """Starts a tiny run; ``changes`` replace text in its plan."""

    def start(*changes: tuple[str, str]) -> BenchProcess:
        (tmp_path / "tiny.toml").write_text(changed(TINY, *changes))
        return start_bench("run", str(tmp_path / "tiny.toml"), *folders(tmp_path))

    return start
