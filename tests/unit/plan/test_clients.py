"""Plans of clients: their tables, their errors, and the plan that ``meter`` writes."""

import os
import subprocess
import tomllib

import pytest

from bench.cli import main
from bench.cli.arguments import client_command
from bench.model import Client, Objects
from bench.plan import PlanError, Vocabulary, parse_plan
from bench.plan.client_plan import Metering, client_plan, name_of

NAMES = Vocabulary(servers=("direct", "informer"), routes=("list-all",), faults=("restart",))
RULES = ({"apiGroups": ("apps",), "resources": ("deployments",), "verbs": ("get", "list")},)
POLL = Client("poll", "while true; do kubectl get pods; sleep 5; done")
WATCH = Client("watch", "printf '%s\\n' \"a\"\x7f; ./watch", RULES, 5.0, ready_line="synced")


def read(text):
    return parse_plan(text, "mine.toml", NAMES)


def test_the_written_plan_reads_back_as_the_clients_it_was_written_of():
    plan = read(client_plan([WATCH, POLL], Metering(faults=["restart"], churns_per_s=(0, 2.5))))
    assert (WATCH, POLL) == plan.clients
    assert ("poll", "watch", "none") == plan.servers
    assert ["rest", "churn-2-5", "restart"] == [scenario.name for scenario in plan.scenarios]
    assert not plan.has_load


def test_objects_and_flags_of_the_api_server_are_read():
    secrets = Objects("secrets", 500, 2000)
    text = client_plan([WATCH], Metering(objects=[secrets, Objects("deployments.apps", 10)]))
    plan = read(f'{text}apiserver_args = ["--feature-gates=WatchList=false"]\n')
    assert (secrets, Objects("deployments.apps", 10)) == plan.objects
    assert ("--feature-gates=WatchList=false",) == plan.scenarios[0].apiserver_args


def test_a_version_of_kubernetes_is_part_of_the_plan_that_is_written():
    plan = read(client_plan([WATCH], Metering(faults=["restart"], kubernetes="1.34")))
    assert {"1.34"} == {scenario.kubernetes for scenario in plan.scenarios}


def test_a_fault_without_load_is_measured_beside_the_floor():
    plan = read(client_plan([WATCH], Metering(faults=["restart"], control=True)))
    assert ("watch", "none", "watch-again") == plan.arms(plan.scenario("restart"))


def test_the_client_of_a_control_is_that_of_its_server():
    plan = read(client_plan([WATCH, POLL], Metering(control=True)))
    assert WATCH == plan.client_of("watch-again")
    assert plan.client_of("none") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name = "poll"', 'name = "direct"'), "the client cannot be called 'direct': taken"),
        (('name = "poll"', 'name = "watch"'), "the client 'watch' has two commands"),
        (('command = "while', 'comand = "while'), "a client has no key 'comand'"),
        (("probe = false", 'route = "list-all"\nusers = 8'), "serves nothing: leave 'route' out"),
        (("probe = false", 'apiserver_args = ["v=2"]'), "takes a list of flags"),
        (
            ("[[scenarios]]", '[[objects]]\nresource = "pods"\ncount = 1\n\n[[scenarios]]'),
            "there is no kind 'pods'; there are configmaps",
        ),
        (("probe = false", "users = 8"), "has 'users', but no 'route'"),
        (("probe = false", 'arrivals = "poisson"'), "has 'arrivals', but no 'route'"),
        (("quiet_s = 5.0", 'ready_url = "localhost"'), "takes an http address, not 'localhost'"),
        (('"resources"', "resource"), "'rules' takes a list of RBAC rules"),
    ],
)
def test_an_invalid_table_is_an_error(change, message):
    before, after = change
    text = client_plan([WATCH, POLL], Metering())
    if before == '"resources"':
        before, after = text.partition("rules = ")[2].partition("\n")[0], '["pods"]'
    with pytest.raises(PlanError) as error:
        read(text.replace(before, after, 1))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("kopf run --standalone -A operator.py", "kopf"),
        ("python3 deploy/my_poller.py", "client"),
        ("while true; do kubectl get pods; done", "kubectl"),
        ("./bin/kube-controller-manager --leader-elect", "kube-controller-manager"),
        ("A=1 .venv/bin/python watcher.py", "watcher"),
        ("A=s3/cret B='my secret' ./op", "op"),
    ],
)
def test_a_client_without_a_name_is_called_as_its_program(command, name):
    assert name == name_of(command)


def test_two_clients_of_one_program_have_names_of_their_own():
    assert "kubectl-3" == name_of("kubectl get pods", ["kubectl", "kubectl-2"])


def test_clients_without_names_keep_their_own_values(monkeypatch, capsys):
    monkeypatch.setattr(os, "environ", dict(os.environ))

    client = "printenv MODE"
    clients = (f"MODE=watch {client}", "--against", f"MODE=poll {client}")
    assert 0 == main(["meter", *clients, "--print-plan"])

    tables = tomllib.loads(capsys.readouterr().out)["client"]
    values = {
        table["name"]: subprocess.run(
            ["/bin/sh", "-c", table["command"]],
            env=os.environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for table in tables
    }
    assert {"printenv": "watch\n", "printenv-2": "poll\n"} == values
    assert [] == [table for table in tables if "MODE=watch" in table["command"]]


def test_a_name_stands_before_the_command_and_a_variable_is_none():
    assert ("poll", "sleep 1") == client_command("poll=sleep 1")
    assert ("", "A=1 sleep 1") == client_command("A=1 sleep 1")
