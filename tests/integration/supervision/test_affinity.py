"""Children run on the processors chosen for them, and see no others."""

import os
import subprocess
import sys

import pytest

from bench.supervision.affinity import on_processors, processors

pytestmark = pytest.mark.skipif(len(processors()) < 2, reason="one processor leaves no choice")
COUNT = "import os; print(sorted(os.sched_getaffinity(0)))"


def those_of_a_child() -> str:
    argv = [sys.executable, "-c", COUNT]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def test_a_child_has_the_processors_of_the_block_that_it_was_started_in() -> None:
    first, second, *_ = processors()
    with on_processors([first]):
        with on_processors([second]):
            assert f"[{second}]" == those_of_a_child()
        assert f"[{first}]" == those_of_a_child()
    assert str(sorted(processors())) == those_of_a_child()


def test_without_a_choice_nothing_changes() -> None:
    before = os.sched_getaffinity(0)
    with on_processors(()):
        assert before == os.sched_getaffinity(0)
