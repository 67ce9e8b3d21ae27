"""Made-up runs as documents; tests that need the same run share one document."""

import pytest

from bench.report.content import run_document


@pytest.fixture(scope="session")
def analysed(made):
    """Return a function for the data and the analysis of a made-up run."""
    return made


@pytest.fixture(scope="session")
def document(analysed):
    """Return a function for the document of a made-up run, with the charts of its rows."""
    documents = {}

    def make(**options):
        key = repr(sorted(options.items()))
        if key not in documents:
            data, analysis = analysed(**options)
            documents[key] = run_document(analysis, data)
        return documents[key]

    return make
