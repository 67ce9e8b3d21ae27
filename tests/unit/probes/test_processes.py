"""The kernel's counters of processes: memory and CPU time."""

import os
import shlex
import subprocess
import sys

from bench.probes.processes import cpu_s, highest_rss_bytes, usage

SIZE = 80_000_000
HOLDS_AND_LETS_GO = f"""
import sys
held = bytearray({SIZE})
held[::4096] = b"x" * len(held[::4096])
del held
print("let go", flush=True)
sys.stdin.read()
"""


def test_the_highest_resident_size_is_known_after_memory_is_freed() -> None:
    argv = [sys.executable, "-c", HOLDS_AND_LETS_GO]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"let go\n" == process.stdout.readline()
        highest, now = highest_rss_bytes(process.pid), usage(process.pid)
        process.stdin.close()  # type: ignore[union-attr] # it is a pipe
    assert highest is not None
    assert now is not None
    assert highest - now.rss_bytes > SIZE * 0.9


def test_the_cpu_time_of_a_tree_includes_that_of_ended_children() -> None:
    burn = f"{shlex.quote(sys.executable)} -c 'sum(range(8_000_000))'"
    line = f"{burn}; echo done; read -r go"
    with subprocess.Popen(
        ["/bin/sh", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        assert b"done\n" == shell.stdout.readline()
        assert cpu_s(shell.pid) > 0.05


def test_the_highest_resident_size_of_an_ended_process_is_unknown() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert None is highest_rss_bytes(ended.pid)
    assert None is not highest_rss_bytes(os.getpid())
