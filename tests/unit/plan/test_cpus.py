"""The table [cpus]: the processors of each part."""

import pytest

from bench.model import Cpus
from bench.plan import PlanError, Vocabulary, parse_plan

HEAD = """\
name = "mine"
description = "x"
seed = 1
servers = ["direct"]
rounds = 1
warmup_s = 1
duration_s = 2

[cpus]
{cpus}

[[scenarios]]
name = "s"
route = "list-all"
users = 1
pods = 1
"""


def cpus_of(table: str, there: tuple[int, ...] | None = (0, 1, 2, 3)) -> Cpus:
    vocabulary = Vocabulary(("direct",), ("list-all",), processors=there)
    return parse_plan(HEAD.format(cpus=table), "mine.toml", vocabulary).cpus


NAMED = "control_plane = [0, 1]\nserver = [2]\nload = [3]"


def test_processors_are_those_that_the_plan_names() -> None:
    assert Cpus(False, (0, 1), (2,), (3,)) == cpus_of(NAMED)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ((0, 1), Cpus(auto=True)),
        ((0, 1, 2), Cpus(auto=True)),
        ((), Cpus(auto=True)),
        (None, Cpus(auto=True)),
        ((0, 2, 4, 6), Cpus(True, (0, 2), (4,), (6,))),
        (tuple(range(9)), Cpus(True, (0, 1, 2, 3), (4, 5), (6, 7, 8))),
    ],
)
def test_auto_gives_each_its_own_where_there_are_four(
    there: tuple[int, ...] | None, chosen: Cpus
) -> None:
    assert chosen == cpus_of("auto = true", there)


@pytest.mark.parametrize(
    ("table", "there", "complaint"),
    [
        (NAMED, (0, 1), r"mine\.toml:11: there is no processor 2; there are 0, 1"),
        (NAMED, (), r"mine\.toml:10: there is no processor 0; there are none that can be chosen"),
        ("server = [0]", (0, 1), r"mine\.toml:9: the table cpus needs 'control_plane', or 'auto'"),
        (f"auto = true\n{NAMED}", None, r"mine\.toml:11: 'auto' chooses .* leave 'control_plane'"),
        ("servers = [0]", None, r"mine\.toml:10: .* no key 'servers' \(the nearest is 'server'\)"),
        ("server = [-1]", None, r"mine\.toml:10: 'server' takes a list of processors by their"),
        ("load = []", None, r"mine\.toml:10: 'load' takes a list of processors"),
    ],
)
def test_processors_that_are_not_there_and_parts_left_out_are_refused_with_their_line(
    table: str, there: tuple[int, ...] | None, complaint: str
) -> None:
    with pytest.raises(PlanError, match=complaint):
        cpus_of(table, there)
