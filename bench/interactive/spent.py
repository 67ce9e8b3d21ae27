"""CPU time of process trees, read as cheaply as can be: no memory, which takes milliseconds."""

import contextlib
from collections.abc import Mapping

import psutil


class Spent:
    """Reads CPU seconds by name; a process that was started anew begins again at 0."""

    def __init__(self) -> None:
        self._trees: dict[int, list[psutil.Process]] = {}

    def read(self, pids: Mapping[str, int]) -> dict[str, tuple[int, float]]:
        """Return id and CPU seconds of each tree that is there."""
        self._trees = {pid: tree for pid, tree in self._trees.items() if pid in pids.values()}
        found = {}
        for name, pid in pids.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                found[name] = (pid, sum(_spent(each) for each in self._tree(pid)))
        return found

    def _tree(self, pid: int) -> list[psutil.Process]:
        tree = self._trees.get(pid)
        if tree is None or not all(each.is_running() for each in tree):
            root = psutil.Process(pid)
            tree = self._trees[pid] = [root, *root.children(recursive=True)]
        return tree


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
