"""Reasons for which a run's figures carry no judgement, whatever they are."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.compare.environments import unlike
from bench.forms.summary import RunSummary
from bench.model import Caveat, CaveatKind, RunState

VOIDING = frozenset(
    {
        CaveatKind.ANSWERS_DIFFER,
        CaveatKind.STALE_ANSWERS,
        CaveatKind.CONTROL_FIRED,
        CaveatKind.LEDGERS_DISAGREE,
        CaveatKind.RUN_INCOMPLETE,
        CaveatKind.NOT_INTERLEAVED,
        CaveatKind.API_SERVER_RESTARTED,
    }
)
"""Kinds of caveat that make a run INVALID to the gate."""
SHOWN_PLACES = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no judgement: of which run, which kind, and its figures."""

    run: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.run}: {self.kind}: {self.text}"


def reasons(
    run: RunSummary, baseline: RunSummary | None, *, unlike_environments: bool
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Return what stands against judging, and notes on what was let pass."""
    sides = [(run, "this run")] + ([(baseline, "the baseline")] if baseline is not None else [])
    against: list[Reason] = []
    notes: list[str] = []
    for one, name in sides:
        against += _of_run(one, name)
        for caveat in one.caveats:
            if caveat.kind is not CaveatKind.UNLIKE_ENVIRONMENT:
                continue
            if unlike_environments:
                notes.append(f"{name}: let pass as told: {caveat.text}")
            else:
                text = f"{caveat.text}. If that is meant: --unlike-environments"
                against.append(Reason(name, str(caveat.kind), text))
    if baseline is not None:
        differing = "; ".join(str(one) for one in unlike(baseline, run))
        if differing and unlike_environments:
            notes.append(f"unlike environments, let pass as told: {differing}")
        elif differing:
            text = f"{differing}. If that is meant: --unlike-environments"
            against.append(Reason("baseline and run", str(CaveatKind.UNLIKE_ENVIRONMENT), text))
    return tuple(against), tuple(notes)


def _of_run(run: RunSummary, name: str) -> Iterator[Reason]:
    void = [caveat for caveat in run.caveats if _voids(caveat)]
    kinds = {caveat.kind for caveat in void}
    if run.state is not RunState.COMPLETE and CaveatKind.RUN_INCOMPLETE not in kinds:
        yield Reason(name, str(CaveatKind.RUN_INCOMPLETE), f"its state is {run.state}")
    for kind in dict.fromkeys(caveat.kind for caveat in void):
        group = [caveat for caveat in void if caveat.kind is kind]
        shown = "; ".join(_place(caveat) + caveat.text for caveat in group[:SHOWN_PLACES])
        more = f"; and {len(group) - SHOWN_PLACES} more" if len(group) > SHOWN_PLACES else ""
        yield Reason(name, str(kind), shown + more)


def _voids(caveat: Caveat) -> bool:
    # That no answers were compared at all is a caveat of the run; of one trial it is a lesser one.
    unchecked = caveat.kind is CaveatKind.ANSWERS_UNCHECKED and caveat.scenario is None
    return unchecked or caveat.kind in VOIDING


def _place(caveat: Caveat) -> str:
    parts = [part for part in (caveat.scenario, caveat.server) if part]
    if caveat.round is not None:
        parts.append(f"round {caveat.round}")
    return f"{', '.join(parts)}: " if parts else ""
