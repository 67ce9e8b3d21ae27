"""Made-up runs: without fsync, for tests write hundreds and none has to outlive a crash.

Runs that several tests use are written and analysed once.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # an example's time depends on the machine
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="module")
def no_waiting_for_the_disk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def written_run(tmp_path_factory):
    """Return a function that writes a run, to be only read; equal options share a run."""
    from bench.store import Store
    from tests.unit.analysis.synthetic import write_run

    runs = {}

    def make(**options):
        key = repr(sorted(options.items()))
        if key not in runs:
            runs[key] = write_run(Store(tmp_path_factory.mktemp("place") / "results"), **options)
        return runs[key]

    return make


@pytest.fixture(scope="session")
def made(written_run):
    """Return a function that writes and analyses a run; equal options share a run."""
    from bench.analysis import analyse, read_run

    runs = {}

    def make(**options):
        reader = written_run(**options)
        if reader.folder not in runs:
            data = read_run(reader)
            runs[reader.folder] = data, analyse(data)
        return runs[reader.folder]

    return make
