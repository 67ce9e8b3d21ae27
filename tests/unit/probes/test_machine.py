"""The kernel's counters of the machine, on kernels of several kinds."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bench.model import MachineUse
from bench.probes.machine import MachineLook

STAT = "cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 1 2 3 4\n"
PRESSURE = "some avg10=1.00 avg60=2.00 avg300=3.00 total={waited}\nfull avg10=0.00 total=9\n"
NEW = {"/proc/self/cgroup": "0::/ours/inner\n"}
OLD = {"/proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/ours\n0::/\n"}


def reader(files: Mapping[str, str]) -> Callable[[Path], str]:
    def read(path: Path) -> str:
        try:
            return files[str(path)]
        except KeyError as error:
            raise FileNotFoundError(path) from error

    return read


def look(at_s: float, files: Mapping[str, str] = {}, **counts: int) -> MachineLook:
    stat = STAT.format(**{"user": 0, "idle": 0, "steal": 0, **counts})
    machine_look = MachineLook.now(at_s, reader({"/proc/stat": stat, **files}))
    assert machine_look is not None
    return machine_look


def test_shares_are_of_the_time_between_two_looks() -> None:
    before = look(10.0, {"/proc/pressure/cpu": PRESSURE.format(waited=1_000_000)})
    after = look(
        12.0,
        {"/proc/pressure/cpu": PRESSURE.format(waited=1_500_000)},
        user=250,
        idle=100,
        steal=50,
    )
    # time that the hypervisor took is not idle time of this machine
    assert MachineUse(busy=0.75, steal=0.125, waited=0.25) == after.since(before)


def test_a_kernel_without_pressure_information_has_unknown_pressure() -> None:
    assert look(2.0, user=100, idle=100).since(look(1.0)).waited is None


@pytest.mark.parametrize(
    ("files", "path", "text"),
    [
        (NEW, "/sys/fs/cgroup/ours/cpu.stat", "usage_usec 5\nthrottled_usec {us}\n"),
        (OLD, "/sys/fs/cgroup/cpu/ours/cpu.stat", "nr_throttled 1\nthrottled_time {us}000\n"),
    ],
)
def test_a_quota_of_our_group_or_one_above_is_found(
    files: Mapping[str, str], path: str, text: str
) -> None:
    before, after = (
        look(at_s, {**files, path: text.format(us=us)}) for at_s, us in ((1.0, 0), (3.0, 500_000))
    )
    assert 0.25 == after.since(before).throttled


def test_without_a_control_group_throttling_is_unknown() -> None:
    assert look(2.0, NEW).since(look(1.0, NEW)).throttled is None


def test_without_the_kernels_counts_there_is_no_look() -> None:
    assert MachineLook.now(1.0, reader({})) is None
