"""The table of docs/coverage.md has all simulated kinds, each with good coverage."""

import re
from pathlib import Path

from bench.microbench import coverage

ROW = re.compile(r"^\| (.+) \| (.+) \| ([\d.]+)% \| (at least 95%|93 to 97%) \|$", re.MULTILINE)
SHOWN = ROW.findall((Path(__file__).parents[3] / "docs" / "coverage.md").read_text())


def test_every_kind_is_simulated_and_shown(monkeypatch):
    monkeypatch.setattr(coverage, "TRIES", 20)
    monkeypatch.setattr(coverage, "FITS", 2)
    simulated = ROW.findall(coverage.page(list(coverage.rows())))
    assert [row[:2] + row[3:] for row in simulated] == [row[:2] + row[3:] for row in SHOWN]


def test_every_interval_covers_as_it_promises():
    unfit = [
        (kind, where, held)
        for kind, where, held, promised in SHOWN
        if not 93 <= float(held) <= (97 if promised == "93 to 97%" else 100)
    ]
    assert len(SHOWN) > 20
    assert [] == unfit


def test_an_interval_that_is_too_narrow_is_not_fit():
    assert not coverage.Row("a mean", "6 rounds", 0.9).is_fit
    assert not coverage.Row("a mean", "6 rounds", 0.99).is_fit
    assert coverage.Row("a count", "3 expected", 0.99, is_bound=True).is_fit
