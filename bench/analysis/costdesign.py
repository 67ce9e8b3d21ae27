"""The columns that unit costs are fitted to: which rows each is in, what multiplies it there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.costmodel import INFORMER, READERS, Factor, Recipe
from bench.analysis.costrows import START, CostRow
from bench.analysis.leastsquares import Floats

RESOLUTION = 0.02
"""Part of an arm's largest cost below which a row is given no more weight."""


@dataclass(frozen=True, slots=True)
class Term:
    """A column: which rows it is in, what multiplies it there, and how a reader knows it."""

    arm: str
    factor: Factor
    title: str
    per: str


def terms_of(rows: Sequence[CostRow]) -> list[Term]:
    """Return the columns that ``rows`` can fill, a reader's pods apart if they were varied."""
    terms = []
    for arm in (*READERS, INFORMER, START):
        own = [row for row in rows if row.arm == arm]
        if not own:
            continue
        if arm == INFORMER:
            several = any(row.replicas > 1 for row in own)
            title = "a write to a pod, for each replica" if several else "a write to a pod"
            terms.append(Term(arm, Factor.EVENTS, title, "write"))
            continue
        what = "start" if arm == START else "read"
        alone, by_pods = (
            (Factor.STARTS, Factor.STARTS_PODS)
            if arm == START
            else (Factor.READS, Factor.READS_PODS)
        )
        sizes = sorted({row.pods for row in own})
        if len(sizes) == 1:
            terms.append(Term(arm, alone, f"a {what}, at {sizes[0]:,} pods", what))
        else:
            terms.append(Term(arm, alone, f"a {what}, whatever the pods", what))
            terms.append(Term(arm, by_pods, f"each pod in a {what}", f"pod in a {what}"))
    return terms


def multiplier_of(row: CostRow, factor: Factor) -> float:
    """Return what a row was asked for; in the row of a start each replica started once."""
    return {
        Factor.READS: row.reads_per_s,
        Factor.READS_PODS: row.reads_per_s * row.pods,
        Factor.EVENTS: row.replicas * row.churn_per_s,
        Factor.STARTS: float(row.replicas),
        Factor.STARTS_PODS: float(row.replicas * row.pods),
    }[factor]


def design_of(rows: Sequence[CostRow], terms: Sequence[Term]) -> Floats:
    """Return the design (rows x terms)."""
    return np.array(
        [
            [multiplier_of(row, term.factor) if term.arm == row.arm else 0.0 for term in terms]
            for row in rows
        ],
        dtype=np.float64,
    )


def weights_of(rows: Sequence[CostRow], design: Floats, response: Floats) -> Floats:
    """Return weights for errors that grow with what was subtracted from what.

    A CPU time is known to some per cent of itself, so a difference is known to the
    same part of its two terms together (a constant coefficient of variation: P.
    McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed., chapter 8).
    The first term is taken from an unweighted fit, for a row that happens to be low
    must not count for more.
    """
    first = np.maximum(design @ np.linalg.lstsq(design, response, rcond=None)[0], 0.0)
    floor = np.array([row.floor for row in rows])
    weights = np.ones(len(rows))
    for arm in {row.arm for row in rows}:
        own = np.array([row.arm == arm for row in rows])
        total = first[own] + floor[own]
        least = RESOLUTION * max(float(total.max()), 1e-12)
        weights[own] = 1.0 / (total**2 + floor[own] ** 2 + least**2)
    return weights


def recipes_of(
    terms: Sequence[Term], readers: Sequence[str], start_from: str
) -> Mapping[str, Recipe]:
    """Return how each design is priced; the informer's start by the terms of ``start_from``."""
    recipes: dict[str, Recipe] = {
        arm: tuple((place, term.factor) for place, term in enumerate(terms) if term.arm == arm)
        for arm in readers
    }
    starts = {
        Factor.READS: Factor.STARTS,
        Factor.READS_PODS: Factor.STARTS_PODS,
        Factor.STARTS: Factor.STARTS,
        Factor.STARTS_PODS: Factor.STARTS_PODS,
    }
    recipes[INFORMER] = tuple(
        (place, term.factor if term.arm == INFORMER else starts[term.factor])
        for place, term in enumerate(terms)
        if term.arm in (INFORMER, start_from)
    )
    return recipes
