"""Load options of the command line: which combinations are accepted, and which are refused."""

import argparse

import pytest

from bench.cli.load_options import MASTER_PORT, LoadOptions, add_load_options, check_workers
from bench.load.spec import DistributedLoad
from bench.model import External, LoadWorkers, Plan, Scenario
from bench.plan import PlanError
from bench.run.resume import ResumeError
from bench.supervision.ports import PortTaken
from tests.unit.store.builders import a_run


def options(*arguments: str) -> LoadOptions:
    parser = argparse.ArgumentParser()
    add_load_options(parser)
    return LoadOptions.of(parser.parse_args(arguments))


def test_one_process_generates_the_load_by_default():
    assert options().distributed() is None


def test_local_workers_need_no_address():
    assert DistributedLoad(LoadWorkers(here=2)) == options("--load-workers", "2").distributed()


def test_remote_workers_find_their_master_at_the_given_address():
    distributed = options("--expect-load-workers", "2", "--load-bind", "127.0.0.2:0").distributed()
    assert distributed is not None
    assert ("127.0.0.2", LoadWorkers(0, 2)) == (distributed.host, distributed.workers)
    assert distributed.port > 0
    assert f"--master 127.0.0.2:{distributed.port}" in distributed.command
    assert ("127.0.0.2", MASTER_PORT) == options("--load-bind", "127.0.0.2").bind


@pytest.mark.parametrize(
    ("option", "value", "missing"),
    [
        ("--expect-load-workers", "1", "--load-bind"),
        ("--load-bind", "127.0.0.1", "--expect-load-workers"),
        ("--load-within", "5", "--expect-load-workers"),
    ],
)
def test_remote_workers_and_an_address_need_each_other(option, value, missing):
    with pytest.raises(PlanError, match=missing):
        options(option, value).distributed()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "host", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_workers_cannot_use_is_refused(address, capsys):
    with pytest.raises(SystemExit):
        options("--load-bind", address)
    assert "--load-bind" in capsys.readouterr().err


def test_a_run_resumes_with_its_number_of_load_workers():
    record = a_run(load_workers=LoadWorkers(here=2))
    assert DistributedLoad(LoadWorkers(here=2)) == options().distributed(record)
    assert DistributedLoad(LoadWorkers(here=2)) == options("--load-workers", "2").distributed(
        record
    )
    assert options().distributed(a_run()) is None


@pytest.mark.parametrize(
    ("workers", "arguments", "message"),
    [
        (LoadWorkers(here=2), ("--load-workers", "3"), r"2 here\); it .* \(3 here\)"),
        (LoadWorkers(), ("--load-workers", "2"), r"one process; it .* \(2 here\)"),
        (LoadWorkers(1, 1), ("--load-workers", "2"), r"1 from elsewhere\); it .* \(2 here\)"),
    ],
)
def test_a_run_does_not_resume_with_other_workers(workers, arguments, message):
    with pytest.raises(ResumeError, match=rf"{message}\. Leave out --load-workers and"):
        options(*arguments).distributed(a_run(load_workers=workers))


def test_resuming_with_remote_workers_needs_the_address_again():
    record = a_run(load_workers=LoadWorkers(1, 2))
    with pytest.raises(PlanError, match=r"\(1 here, 2 from elsewhere\): name an address"):
        options().distributed(record)
    distributed = options("--load-bind", "127.0.0.2:0").distributed(record)
    assert distributed is not None
    assert LoadWorkers(1, 2) == distributed.workers


def test_an_address_of_another_machine_is_refused_with_the_name_of_its_option():
    for address in ("192.0.2.1", "192.0.2.1:0"):
        with pytest.raises(
            PortTaken, match=r"cannot listen on 192\.0\.2\.1.*with --load-bind ADDR"
        ):
            options("--expect-load-workers", "1", "--load-bind", address).distributed()


def plan(users: int, *external: External) -> Plan:
    scenarios = (Scenario("few", 10, "list-all", users),)
    return Plan("p", "d", 1, ("direct",), 1, 0.0, 1.0, scenarios, external=external)


def test_a_scenario_with_fewer_users_than_workers_is_refused():
    check_workers(plan(2), DistributedLoad(LoadWorkers(here=2)))
    with pytest.raises(PlanError, match="'few' has 2 users: too few for 3 load workers"):
        check_workers(plan(2), DistributedLoad(LoadWorkers(here=3)))


def test_a_server_that_remote_workers_cannot_reach_is_refused():
    server = External("mine", "run")
    check_workers(plan(2, server), DistributedLoad(LoadWorkers(here=2)))
    with pytest.raises(PlanError, match="'mine' listens on"):
        check_workers(plan(2, server), DistributedLoad(LoadWorkers(elsewhere=1)))
