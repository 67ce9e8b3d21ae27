"""The observers' effect: its true size if it was measured, else no caveat."""

from dataclasses import replace

from bench.analysis import analyse
from bench.model import NO_SERVER, CaveatKind
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, Made, write_run, write_trial
from tests.unit.store.builders import a_plan, a_run

BARE = replace(SCENARIO, name="bare", probe=False)
ADDED_CPU_S = 0.085
"""In 8.5 s between the marks: 10 ms a second."""


def effects(reader) -> dict[str | None, str]:
    return {
        caveat.server: caveat.text
        for caveat in analyse(reader).caveats
        if caveat.kind is CaveatKind.OBSERVER_EFFECT
    }


def test_an_effect_put_in_is_found_at_its_size(tmp_path) -> None:
    plan = a_plan(servers=("direct", NO_SERVER), rounds=3, scenarios=(SCENARIO, BARE))
    record = a_run(plan=plan, trials_planned=12)
    store = Store(tmp_path)
    made = Made(store.create(record), record)
    for number in range(3):
        for scenario, added in ((SCENARIO, ADDED_CPU_S), (BARE, 0.0)):
            write_trial(made, NO_SERVER, number, scenario, apiserver_cpu_s=0.5 + added)
            write_trial(made, "direct", number, scenario, apiserver_cpu_s=3.0 + added)
    texts = effects(store.open(record.run))
    assert {"direct", NO_SERVER} == set(texts)
    assert "against bare without" in texts[NO_SERVER]
    assert "+10 ms/s (+10 to +10)" in texts[NO_SERVER]


def test_a_run_without_the_pair_says_nothing_of_it(tmp_path) -> None:
    assert {} == effects(write_run(Store(tmp_path / "one")))
    harder = replace(BARE, users=9)
    assert {} == effects(write_run(Store(tmp_path / "two"), scenarios=(SCENARIO, harder)))
