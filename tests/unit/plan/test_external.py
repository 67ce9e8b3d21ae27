"""External servers in a plan: in a table of the plan, or added by the command line."""

import argparse
import os
import subprocess
from pathlib import Path

import pytest

from bench.cli.arguments import external_server
from bench.model import External
from bench.plan import PlanError, Vocabulary, parse_plan, plan_source, read_plan, trials

VOCABULARY = Vocabulary(servers=("direct", "informer"), routes=("list-all",))
PLAN = """\
name = "mine"
description = "A plan with a server of my own."
seed = 7
servers = ["direct", "none"]
rounds = 1
warmup_s = 1
duration_s = 2

[[scenarios]]
name = "closed"
route = "list-all"
users = 8
pods = 100
"""
TABLE = """
[[external]]
name = "go"
command = "./pods --port $PORT"
"""


def error_of(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "mine.toml", VOCABULARY)
    return str(caught.value)


def test_an_external_server_is_measured_besides_those_named() -> None:
    plan = parse_plan(PLAN + TABLE, "mine.toml", VOCABULARY)
    assert (External("go", "./pods --port $PORT", 120.0),) == plan.external
    assert ("direct", "none", "go") == plan.servers
    assert {"direct", "none", "go"} == {trial.server for trial in trials(plan)}


def test_an_external_server_among_the_servers_keeps_its_place_and_may_be_the_control() -> None:
    text = PLAN.replace('["direct", "none"]', '["go", "direct"]\ncontrol = "go"')
    plan = parse_plan(text + TABLE, "mine.toml", VOCABULARY)
    assert ("go", "direct") == plan.servers
    assert "go" == plan.server_of("go-again")


@pytest.mark.parametrize("command", ["./pods", 'a "b" \\ $PORT', "é\t\x7f 'x'\nsecond line"])
def test_a_server_of_the_command_line_is_a_table_of_the_stored_plan(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "mine.toml").write_text(PLAN)
    file, added = str(tmp_path / "mine.toml"), [External("go", command)]
    plan = read_plan(file, VOCABULARY, added)
    assert tuple(added) == plan.external
    assert plan == parse_plan(plan_source(file, added), "kept.toml", VOCABULARY)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (PLAN + TABLE.replace('"go"', '"direct"'), "cannot be called 'direct': taken"),
        (PLAN + TABLE.replace('"go"', '"none"'), "cannot be called 'none': taken"),
        (PLAN + TABLE.replace('"go"', '"go-again"'), "the ending '-again' is that of a control"),
        (PLAN + TABLE + TABLE, "the external server 'go' has two commands"),
        (PLAN + TABLE.replace('"go"', '"Go"'), "mine.toml:16: 'name' takes a name of lower-case"),
        (PLAN + TABLE.replace("command", "comand"), "mine.toml:17: an external has no key"),
        (PLAN + '\n[[external]]\nname = "go"\n', "mine.toml:15: an external needs 'command'"),
        (PLAN.replace('"none"', '"go"'), "there is no server 'go'"),
        ('external = "go"\n' + PLAN, "written as [[external]] tables"),
    ],
)
def test_an_invalid_external_server_is_an_error(text: str, error: str) -> None:
    assert error in error_of(text)


def test_the_command_line_takes_a_name_and_a_line_with_anything_in_it() -> None:
    assert External("go", "A=1 ./pods --x=y") == external_server("go=A=1 ./pods --x=y")


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("KEY=s3cret", "s3cret"),
        ("KEY='s3 cret $HOME'", "s3 cret $HOME"),
        ('KEY="s3 \\"cret"', 's3 "cret'),
        ("env KEY=s3cret", "s3cret"),
        ("A=1 KEY=s3cret", "s3cret"),
        ("A=s3cret-one KEY=s3cret", "s3cret"),
        ("KEY=$PORT", "8080"),
    ],
)
def test_values_in_front_of_a_command_reach_it_and_no_record_of_it(
    monkeypatch: pytest.MonkeyPatch, given: str, seen: str
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"PORT": "8080"})

    command = external_server(f"go={given} sh -c 'printf %s \"$KEY\"'").command
    ran = subprocess.run(
        ["/bin/sh", "-c", command], env=os.environ, capture_output=True, text=True, check=True
    )

    assert seen == ran.stdout
    assert "cret" not in command


@pytest.mark.parametrize("text", ["go", "=./pods", "go=", "Go=./pods", "go= "])
def test_the_command_line_refuses_what_is_no_name_and_command(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write NAME=CMD"):
        external_server(text)
