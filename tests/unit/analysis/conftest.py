"""Made-up runs that several tests look at: each is written and analysed once."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.analysis import RunAnalysis, RunData, analyse, read_run
from bench.store import Store
from tests.unit.analysis.synthetic import write_run

Made = Callable[..., tuple[RunData, RunAnalysis]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Write a run of these options and analyse it; the same options give the same run again."""
    kept: dict[str, tuple[RunData, RunAnalysis]] = {}

    def make(**options: Any) -> tuple[RunData, RunAnalysis]:
        key = repr(sorted(options.items()))
        if key not in kept:
            data = read_run(write_run(Store(tmp_path_factory.mktemp("runs")), **options))
            kept[key] = data, analyse(data)
        return kept[key]

    return make
