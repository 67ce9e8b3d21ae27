"""Running processes are moved to other processors, with all their threads."""

import os
import subprocess
import sys
from pathlib import Path

from bench.supervision.affinity import move, processors

THREADED = (
    "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); input()"
)


def test_a_process_and_its_threads_are_moved():
    first = processors()[:1]
    with subprocess.Popen([sys.executable, "-c", THREADED], stdin=subprocess.PIPE) as process:
        try:
            tasks = Path(f"/proc/{process.pid}/task")
            while len([*tasks.iterdir()]) < 2:
                assert process.poll() is None
            move([process.pid], first)
            threads = [int(task.name) for task in tasks.iterdir()]
            assert {first} == {tuple(sorted(os.sched_getaffinity(tid))) for tid in threads}
        finally:
            process.kill()


def test_a_process_that_has_ended_is_skipped():
    with subprocess.Popen(["true"]) as process:
        process.wait()
        move([process.pid], processors())
