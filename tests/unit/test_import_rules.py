"""The import contracts refuse each forbidden import, also in a new file."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources that the contracts govern."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("bench", "servers"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder


def lint(folder: Path) -> str:
    """Return the report on broken contracts, "" if none is broken."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    return "" if done.returncode == 0 else output.partition("Broken contracts")[2] or output


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("bench/faults/locked.py", "import locust", "bench.faults.locked -> locust"),
        ("bench/load/routes/by_node.py", "import gevent", "bench.load.routes.by_node -> gevent"),
        ("bench/probes/observers/tail.py", "import locust", "observers.tail -> locust"),
        ("bench/analysis/live.py", "import bench.cluster.api", "bench.analysis.live ->"),
        ("bench/trial/started.py", "import servers.app", "bench.trial.started -> servers.app"),
        ("bench/attic/__init__.py", "", "attic"),
    ],
)
def test_a_file_that_breaks_a_contract_is_named(
    copy: Path, file: str, line: str, message: str
) -> None:
    added = copy / file
    is_new_room = not added.parent.exists()
    added.parent.mkdir(exist_ok=True)
    added.write_text(f"{line}\n")
    try:
        assert message in lint(copy)
    finally:
        added.unlink()
        if is_new_room:
            shutil.rmtree(added.parent)


def test_the_sources_keep_all_contracts(copy: Path) -> None:
    assert "" == lint(copy)
