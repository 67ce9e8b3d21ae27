"""Our cache: damaged entries, several processes that fill it, and killed ones."""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cluster.binaries import BinariesUnavailable, cache, resolve
from bench.cluster.binaries.model import Request, Version
from bench.supervision.waiting import wait_until
from tests.integration.binaries.stand_ins import names_in, pack_scripts, write_assets

MAKER = """
import json, sys
from pathlib import Path
from bench.cluster.binaries import resolve
print(resolve(env=json.loads(sys.argv[1]), say=lambda line: print(line, flush=True)).source)
"""


def start_maker(machine):
    return subprocess.Popen(
        [sys.executable, "-c", MAKER, json.dumps(machine.env)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )


def eventually(condition):
    assert wait_until(condition, 60, 0.02), "did not come true within a minute"


@pytest.fixture
def filled(machine, mirror):
    mirror.offer("1.37.2", pack_scripts())
    machine.resolve()
    machine.messages.clear()
    return machine


def cut_off(entry):
    with (entry / "etcd").open("r+b") as file:
        file.truncate(10)


def flip_a_byte(entry):
    content = bytearray((entry / "etcd").read_bytes())
    content[-2] ^= 1
    (entry / "etcd").write_bytes(content)


def put_a_folder_in_its_place(entry):
    (entry / "manifest.json").unlink()
    (entry / "manifest.json").mkdir()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_off, "its etcd has 10 bytes instead of"),
        (flip_a_byte, "its etcd is not the one that was stored"),
        (lambda entry: (entry / "etcd").chmod(0o644), "its etcd is not executable"),
        (lambda entry: (entry / "etcd").unlink(), "incomplete: no etcd"),
        (lambda entry: (entry / "manifest.json").unlink(), "incomplete: no manifest.json"),
        (put_a_folder_in_its_place, "cannot be read: "),
        (lambda entry: (entry / "manifest.json").write_text("{"), "unreadable manifest.json"),
        (lambda entry: (entry / "manifest.json").write_text("{}"), "unreadable manifest.json"),
        (lambda entry: (entry / "manifest.json").write_text("[]"), "unreadable manifest.json"),
    ],
)
def test_a_damaged_entry_is_noticed_thrown_away_and_made_again(filled, mirror, damage, words):
    damage(filled.entry)
    assert "archive" == filled.resolve().source
    assert words in filled.words
    assert "removed, to be filled again" in filled.words
    assert "cache" == filled.resolve().source


def test_a_damaged_entry_that_cannot_be_made_again_is_one_of_the_reasons(filled, mirror):
    cut_off(filled.entry)
    mirror.releases.clear()
    with pytest.raises(BinariesUnavailable, match="cache: its etcd has 10 bytes instead of"):
        filled.resolve()


def test_an_intact_entry_is_used_without_a_message_and_without_the_network(filled, mirror):
    mirror.requests.clear()
    assert "cache" == filled.resolve().source
    assert ([], []) == (filled.messages, mirror.requests)


def test_another_folder_can_be_named_for_the_cache(machine, mirror, tmp_path):
    mirror.offer("1.37.2", pack_scripts())
    binaries = machine.resolve(cache=tmp_path / "elsewhere")
    assert binaries.etcd.is_relative_to(tmp_path / "elsewhere")
    assert not machine.entries.exists()


def test_a_cache_that_cannot_be_written_is_reported(machine):
    machine.home.mkdir()
    (machine.home / "cache").write_text("a file where a folder should be")
    with pytest.raises(BinariesUnavailable, match=r"cache: cannot be filled: .*Not a directory"):
        machine.resolve()


def test_an_entry_replaces_one_of_the_same_version_as_a_whole(filled, watchdog):
    request = Request(Version(1, 37, 2), filled.env, filled.entries.parent, filled.messages.append)
    with cache.locked(request), watchdog.staging(cache.entries(request)) as stage:
        write_assets(stage)
        cache.admit(request, stage, "archive")
    assert "cache" == filled.resolve().source


def test_one_process_fills_the_cache_and_the_other_reports_its_wait(machine, mirror):
    mirror.offer("1.37.2", pack_scripts())
    mirror.hold.clear()
    with start_maker(machine) as first:
        eventually(mirror.archives_asked)
        waiting = threading.Event()

        def say(line):
            machine.messages.append(line)
            waiting.set()
            mirror.hold.set()  # only now may the first one go on

        machine.messages.clear()
        second = resolve(env=machine.env, say=say).source
        first_said, _ = first.communicate()
    assert waiting.is_set()
    assert "another process is filling the cache; waiting for it" in machine.messages[0]
    assert ("cache", "archive") == (second, first_said.splitlines()[-1])
    assert 1 == len(mirror.archives_asked())


def test_no_wait_for_another_version_once_the_requested_one_is_cached(filled):
    other = Request(Version(1, 30, 14), filled.env, filled.entries.parent, filled.messages.append)
    request = replace(other, version=Version(1, 37, 2))
    with cache.locked(other) as locked, cache.locked(request) as cached:
        assert locked is None
        assert cached is not None
        assert ("cache", "1.37.2") == (cached.source, cached.kubernetes)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_maker_ended_by_force_leaves_neither_a_lock_nor_half_an_entry(machine, mirror, number):
    mirror.offer("1.37.2", pack_scripts())
    mirror.hold.clear()
    with start_maker(machine) as maker:
        eventually(mirror.archives_asked)
        maker.send_signal(number)
    eventually(lambda: names_in(machine.entries) == [".lock"])
    mirror.hold.set()
    assert "archive" == machine.resolve().source


def test_the_stage_of_a_dead_process_is_removed_by_the_next(machine, mirror):
    stale_stage = machine.entries / ".making-left"
    write_assets(stale_stage)
    mirror.offer("1.37.2", pack_scripts())
    assert "archive" == machine.resolve().source
    assert not stale_stage.exists()
