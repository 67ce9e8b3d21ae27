"""Random processes killed at random moments: nothing is left after the next start."""

import os
import random
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.cluster.binaries import Binaries
from bench.store import Store
from bench.store.tables import TABLES, read_table
from tests.integration.run.bench_process import TINY, BenchProcess, folders

KILLS = int(os.environ.get("KILLS", "100"))
LONGEST_S = 25.0
"""Until the kill: from the start of the harness to about the end of a run."""


@pytest.mark.soak
@pytest.mark.parametrize("number", range(KILLS))
def test_after_a_kill_the_next_start_leaves_no_orphan_and_results_can_be_read(
    number: int, tmp_path: Path, binaries: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # nobody else may be the next
    dice = random.Random(os.environ.get("KILLS_SEED", "kills") + str(number))
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ("run", str(tmp_path / "tiny.toml"), *folders(tmp_path))
    with BenchProcess(tmp_path, arguments, binaries) as bench:
        time.sleep(dice.uniform(0.0, LONGEST_S))
        victims = chosen(dice, bench.process.pid)
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        bench.wait()
        assert "Traceback" not in bench.text, (victims, bench.text)
    with BenchProcess(tmp_path, ("clean",), binaries) as following:
        assert 0 == following.wait(), (victims, following.text)
    following.wait_until_nothing_is_left()
    for run in Store(tmp_path / "results").runs():
        reader = Store(tmp_path / "results").open(run)
        for trial in reader.trials():
            for table in TABLES.values():
                read_table(reader.trial_folder(trial), table)


def chosen(dice: random.Random, harness: int) -> list[psutil.Process]:
    """Return the harness with its watchdog, or a random process of the run; none if it ended."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(harness)
        children = sorted(parent.children(recursive=True), key=lambda child: child.pid)
        if dice.random() < 0.3:
            guardians = [child for child in children if "guardian" in " ".join(child.cmdline())]
            return [*guardians, parent]
        return [dice.choice([parent, *children])]
    return []
