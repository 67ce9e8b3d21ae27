"""Who makes the load, as the command line says it: what fits together, and what does not."""

import argparse

import pytest

from bench.cli.load_options import MASTER_PORT, LoadOptions, add_load_options, check_workers
from bench.load.spec import DistributedLoad
from bench.model import External, LoadWorkers, Plan, Scenario
from bench.plan import PlanError
from bench.run.resume import ResumeError
from bench.supervision.ports import PortTaken
from tests.unit.store.builders import a_run


def options(*words: str) -> LoadOptions:
    parser = argparse.ArgumentParser()
    add_load_options(parser)
    return LoadOptions.of(parser.parse_args(words))


def test_one_process_makes_the_load_unless_told_otherwise():
    assert options().distributed() is None


def test_workers_here_need_no_address():
    assert DistributedLoad(LoadWorkers(here=2)) == options("--load-workers", "2").distributed()


def test_workers_from_elsewhere_find_their_master_where_it_was_said():
    distributed = options("--expect-load-workers", "2", "--load-bind", "127.0.0.2:0").distributed()
    assert distributed is not None
    assert ("127.0.0.2", LoadWorkers(0, 2)) == (distributed.host, distributed.workers)
    assert distributed.port > 0
    assert f"--master 127.0.0.2:{distributed.port}" in distributed.command
    assert ("127.0.0.2", MASTER_PORT) == options("--load-bind", "127.0.0.2").bind


@pytest.mark.parametrize(
    ("given", "value", "lacking"),
    [
        ("--expect-load-workers", "1", "--load-bind"),
        ("--load-bind", "127.0.0.1", "--expect-load-workers"),
    ],
)
def test_workers_from_elsewhere_and_an_address_need_each_other(given, value, lacking):
    with pytest.raises(PlanError, match=lacking):
        options(given, value).distributed()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "host", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_workers_cannot_use_is_refused(address, capsys):
    with pytest.raises(SystemExit):
        options("--load-bind", address)
    assert "--load-bind" in capsys.readouterr().err


def test_a_run_goes_on_with_as_many_as_it_began_with():
    record = a_run(load_workers=LoadWorkers(here=2))
    assert DistributedLoad(LoadWorkers(here=2)) == options().distributed(record)
    assert DistributedLoad(LoadWorkers(here=2)) == options("--load-workers", "2").distributed(
        record
    )
    assert options().distributed(a_run()) is None


@pytest.mark.parametrize(
    ("began", "words", "told"),
    [
        (LoadWorkers(here=2), ("--load-workers", "3"), r"2 here\); it .* \(3 here\)"),
        (LoadWorkers(), ("--load-workers", "2"), r"one process; it .* \(2 here\)"),
        (LoadWorkers(1, 1), ("--load-workers", "2"), r"1 from elsewhere\); it .* \(2 here\)"),
    ],
)
def test_a_run_does_not_go_on_with_others_than_began_it(began, words, told):
    with pytest.raises(ResumeError, match=rf"{told}\. Leave out --load-workers and"):
        options(*words).distributed(a_run(load_workers=began))


def test_going_on_with_workers_from_elsewhere_needs_the_address_again():
    record = a_run(load_workers=LoadWorkers(1, 2))
    with pytest.raises(PlanError, match=r"\(1 here, 2 from elsewhere\): name an address"):
        options().distributed(record)
    distributed = options("--load-bind", "127.0.0.2:0").distributed(record)
    assert distributed is not None
    assert LoadWorkers(1, 2) == distributed.workers


def test_an_address_that_is_not_of_this_machine_is_refused_by_the_option_that_has_it():
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


def test_a_server_that_workers_elsewhere_cannot_reach_is_refused():
    mine = External("mine", "run")
    check_workers(plan(2, mine), DistributedLoad(LoadWorkers(here=2)))
    with pytest.raises(PlanError, match="'mine' listens on"):
        check_workers(plan(2, mine), DistributedLoad(LoadWorkers(elsewhere=1)))
