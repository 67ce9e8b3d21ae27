"""Made-up runs as documents, each made once for all who ask for the same."""

import pytest

from bench.report.content import run_document


@pytest.fixture(scope="session")
def analysed(made):
    """Returns the data and the analysis of a made-up run."""
    return made


@pytest.fixture(scope="session")
def document(analysed):
    """Returns the document of a made-up run, with the charts of its rows."""
    made = {}

    def make(**options):
        asked = repr(sorted(options.items()))
        if asked not in made:
            data, analysis = analysed(**options)
            made[asked] = run_document(analysis, data)
        return made[asked]

    return make
