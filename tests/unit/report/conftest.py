"""Made-up runs as documents, each made once for all who ask for the same."""

import pytest

from bench.analysis import analyse, read_run
from bench.report.content import run_document
from bench.store import Store
from tests.unit.analysis.synthetic import write_run


@pytest.fixture(scope="session")
def analysed(tmp_path_factory):
    """Returns the data and the analysis of a made-up run."""
    made = {}

    def make(**options):
        asked = repr(sorted(options.items()))
        if asked not in made:
            store = Store(tmp_path_factory.mktemp("place") / "results")
            data = read_run(write_run(store, **options))
            made[asked] = data, analyse(data)
        return made[asked]

    return make


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
