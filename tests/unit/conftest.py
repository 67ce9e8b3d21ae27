"""Made-up runs are written by the hundred, and none has to outlive a crash.

Those that several tests look at are written and analysed once.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long one example takes is the machine's
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="module")
def no_waiting_for_the_disk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def written_run(tmp_path_factory):
    """Write a run of these options, to be read only; the same options give the same run again."""
    from bench.store import Store
    from tests.unit.analysis.synthetic import write_run

    kept = {}

    def make(**options):
        key = repr(sorted(options.items()))
        if key not in kept:
            kept[key] = write_run(Store(tmp_path_factory.mktemp("place") / "results"), **options)
        return kept[key]

    return make


@pytest.fixture(scope="session")
def made(written_run):
    """Write and analyse a run of these options; the same options give the same run again."""
    from bench.analysis import analyse, read_run

    kept = {}

    def make(**options):
        reader = written_run(**options)
        if reader.folder not in kept:
            data = read_run(reader)
            kept[reader.folder] = data, analyse(data)
        return kept[reader.folder]

    return make
