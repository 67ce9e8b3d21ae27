"""Missing trials of a run, and whether it may be resumed on this machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main
from bench.model import Base, Caveat, CaveatKind, Outcome, RunState, Trial, TrialRecord
from bench.plan import trials
from bench.run.create import resume_run
from bench.run.loop import Run
from bench.run.resume import ResumeError, missing_trials, unlike
from bench.store import Store
from bench.supervision.progress import Progress
from tests.unit.store.builders import ENVIRONMENT, a_plan, a_run, a_trial

PLAN = a_plan(rounds=2)


class Here:
    """A site where no control plane is needed."""

    introduction, beginning = "here", ""
    caveats, private_words = (), ()

    def environment(self):
        return ENVIRONMENT


def done(trial: Trial, outcome: Outcome = Outcome.OK, **changes: object) -> TrialRecord:
    return replace(a_trial(), trial=trial, outcome=outcome, **changes)


def resume(store: Store) -> Run:
    return resume_run(a_run().run, store=store, progress=Progress(quiet=True), site=Here())


def ended_after_its_last_trial(folder: Path, **changes: object) -> Store:
    store = Store(folder)
    writer = store.create(a_run(**{"state": RunState.INCOMPLETE, "plan": PLAN} | changes))
    for trial in trials(PLAN):
        writer.write_trial(done(trial))
    writer.close()
    return store


@pytest.mark.parametrize("state", [RunState.INCOMPLETE, RunState.RUNNING])
def test_a_run_that_ended_after_its_last_trial_is_completed(
    tmp_path: Path, state: RunState
) -> None:
    store = ended_after_its_last_trial(tmp_path, state=state, out_of_time=True)
    record = resume(store).execute()
    assert (RunState.COMPLETE, True) == (record.state, record.out_of_time)
    with pytest.raises(ResumeError, match="is complete"):
        resume(store)


def test_a_run_that_ended_after_its_last_trial_may_still_buy_rounds(tmp_path: Path) -> None:
    plan = replace(PLAN, precision=0.05, most_rounds=12, most_minutes=10.0)
    asked = []

    class Reports:
        def rounds_to_extend_to(self, record, most_more, watchdog):
            asked.append((record.plan.rounds, most_more))

    run = resume(ended_after_its_last_trial(tmp_path, plan=plan))
    assert RunState.COMPLETE is run.execute(Reports()).state
    assert [(2, None)] == asked


def test_a_trial_whose_repetition_was_interrupted_keeps_its_number_of_attempts(
    tmp_path: Path,
) -> None:
    store, trial = Store(tmp_path), trials(PLAN)[0]
    run = store.create(a_run(plan=PLAN))
    run.write_trial(done(trial, Outcome.FAILED))
    run.close()
    attempts = []
    for repeated in (False, True, False):
        resumed = resume(store)
        attempts.append(resumed._prior.attempts[trial])
        if repeated:
            resumed._writer.write_trial(done(trial, Outcome.FAILED, attempt=attempts[-1] + 1))
        resumed._writer.close()
    assert [1, 1, 2] == attempts


def test_the_run_to_resume_stays_the_same_when_another_one_starts_before_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, trial = Store(tmp_path), trials(PLAN)[0]
    store.create(a_run(run="one", plan=replace(PLAN, most_minutes=1.0))).write_trial(done(trial))
    agreed, resumed = [], []

    def consent(options, plan, progress):
        agreed.append((plan.rounds, plan.most_minutes))
        store.create(a_run(run="two")).write_trial(done(trial))

    def note(run, **_):
        resumed.append(store.open(run).record.run)
        raise ResumeError(run)

    monkeypatch.setattr("bench.cli.run.site_of", consent)
    monkeypatch.setattr("bench.cli.run.resume_run", note)
    assert 2 == main(["run", "--resume", "--rounds", "9", "--results", str(tmp_path)])
    assert (["one"], [(9, None)]) == (resumed, agreed)


def test_missing_trials_are_those_not_run_and_those_failed_in_the_plans_order() -> None:
    first, second, third, fourth = trials(PLAN)
    made = [done(first), done(second, Outcome.FAILED), done(fourth)]
    assert (second, third) == missing_trials(PLAN, made)


def test_a_whole_run_lacks_nothing_until_it_gets_more_rounds() -> None:
    made = [done(trial) for trial in trials(PLAN)]
    assert () == missing_trials(PLAN, made)
    assert {3} == {trial.round for trial in missing_trials(replace(PLAN, rounds=3), made)}


def test_a_run_that_a_path_leads_to_is_resumed_and_reported_where_it_is(
    tmp_path, monkeypatch, capsys
):
    written = ended_after_its_last_trial(tmp_path / "elsewhere").open("latest").folder
    stores = []
    monkeypatch.setattr("bench.cli.run.resume_run", lambda *_, **options: options["store"])
    monkeypatch.setattr("bench.cli.run.execute", lambda *arguments: stores.append(arguments[1:3]))
    main(["run", "--resume", str(written), "--results", str(tmp_path / "results")])
    assert [(written.parent, written.parent)] == [(a.root, b.root) for a, b in stores]

    renamed = written.rename(written.with_name("renamed"))
    assert 2 == main(["run", "--resume", str(renamed)])
    assert f"rename it to {written.name} to resume it" in capsys.readouterr().err.replace("\n", " ")


def test_a_run_whose_answers_were_wrong_under_load_stays_void_when_it_is_resumed() -> None:
    sized = Caveat(CaveatKind.WRONG_ANSWERS, "1 of 47 answers")
    unsure = Caveat(CaveatKind.ANSWERS_UNCHECKED, "1 of 47 answers")
    trial = replace(done(trials(PLAN)[0]), equal_to_list=True)
    assert not replace(trial, caveats=(unsure,)).is_wrong
    assert replace(trial, caveats=(unsure, sized)).is_wrong
    assert replace(trial, equal_to_list=False).is_wrong


def test_a_trial_that_the_plan_does_not_give_is_named() -> None:
    strange = Trial(99, "list", "direct", 7)
    with pytest.raises(ResumeError, match="099-list-direct-r7"):
        missing_trials(PLAN, [done(strange)])


def test_the_same_machine_at_another_moment_is_alike() -> None:
    later = replace(ENVIRONMENT, load_average_1m=3.0, memory_bytes=8_000_100_000)
    assert () == unlike(ENVIRONMENT, later)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kernel": "Linux 6.2"}, "kernel: Linux 6.1 then, Linux 6.2 now"),
        ({"commit": "0123456, changed"}, "commit: 0123456 then, 0123456, changed now"),
        ({"packages": {"locust": "2.48.0"}}, "locust: 2.47.0 then, 2.48.0 now"),
        ({"packages": {}}, "locust: 2.47.0 then, absent now"),
        ({"processors": 4}, "processors: 2 then, 4 now"),
        ({"memory_bytes": 16_000_000_000}, "memory_bytes: 8,000,000,000 then, 16,000,000,000 now"),
        ({"changed_defaults": ()}, "changed_defaults: etcd runs without fsync then,  now"),
    ],
)
def test_a_change_is_reported_with_both_values(changes: dict[str, object], text: str) -> None:
    assert (text,) == unlike(ENVIRONMENT, replace(ENVIRONMENT, **changes))


def test_a_changed_field_of_the_base_is_reported_as_the_bases() -> None:
    base = Base("../base", "", "0123456", "3.11.9", {"uvicorn": "0.35"})
    now = replace(base, commit="89abcde", packages={"uvicorn": "0.36"})
    differences = "base's commit: 0123456 then, 89abcde now", "base's uvicorn: 0.35 then, 0.36 now"
    assert differences == unlike(base, now)
