"""The other checkout of a run: its arms in a plan, and its errors."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bench
from bench.model import External
from bench.sites.base import BaseError, base_kinds, with_base
from bench.sut.launch import ServerSpec
from bench.sut.registry import ROOT, server_kinds
from tests.unit.store.builders import a_plan

PLAN = a_plan(servers=("direct", "informer", "none"))
THEIRS = External("theirs", "./serve")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that servers are started from, without an environment."""
    folder = tmp_path / "base"
    for part in ("servers", "informer/src"):
        # Other processes may compile the files meanwhile.
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=without)
    return folder


def error_of(folder: Path, python: str = "", plan=PLAN) -> str:
    with pytest.raises(BaseError) as caught:
        with_base(plan, str(folder), python)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_server_that_both_have_gets_an_arm_of_the_base(checkout: Path) -> None:
    plan = with_base(
        replace(PLAN, servers=("direct", "new", "none")), str(checkout), sys.executable
    )
    assert ("direct", "new", "none", "direct@base") == plan.servers


def test_peers_in_go_are_among_them_and_built_when_the_run_begins(checkout: Path) -> None:
    plan = with_base(a_plan(servers=("direct-go",)), str(checkout), sys.executable)
    assert ("direct-go", "direct-go@base") == plan.servers


def test_a_server_that_the_base_no_longer_has_is_reported(checkout: Path) -> None:
    plan = with_base(PLAN, str(checkout), sys.executable)
    with pytest.raises(BaseError, match="it no longer has gone"):
        base_kinds(replace(plan, servers=(*plan.servers, "gone@base")), pytest.fail)


def test_the_packages_of_its_environment_are_recorded(checkout: Path) -> None:
    base = with_base(PLAN, str(checkout), sys.executable).base
    assert base is not None
    assert (str(checkout), sys.executable, "unknown") == (base.folder, base.python, base.commit)
    assert base.packages["uvicorn"]
    assert base.python_version.startswith("3.")


def test_its_commit_is_recorded(checkout: Path) -> None:
    for command in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
                  "--allow-empty", "-m", "first"]):  # fmt: skip
        subprocess.run(["git", *command], cwd=checkout, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True
    )
    base = with_base(PLAN, str(checkout), sys.executable).base
    assert base is not None
    assert f"{head.stdout.strip()}, changed" == base.commit


def test_its_servers_run_its_own_code_and_its_own_informer_compiled_once(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    kinds = base_kinds(with_base(PLAN, str(checkout), sys.executable), pytest.fail)
    kind = kinds["informer@base"]
    launch = ServerSpec(kind=kind, kubeconfig=Path("a"), log=checkout / "log").launch()
    assert ([sys.executable, "-m", "servers", "informer"], checkout) == (
        launch.argv[:4],
        launch.folder,
    )
    program = "import kube_informer, servers; print(kube_informer.__file__, servers.__file__)"
    files = subprocess.run(
        [launch.argv[0], "-c", program],
        cwd=launch.folder,
        env=launch.environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert all(file.startswith(str(checkout)) for file in files)
    assert [*(checkout / "servers" / "__pycache__").glob("__init__.*.pyc")]
    assert server_kinds()["informer"].identity == kind.identity


def test_a_command_is_started_in_the_other_checkout(tmp_path: Path) -> None:
    plan = replace(PLAN, servers=(*PLAN.servers, "theirs"), external=(THEIRS,))
    against_base = with_base(plan, str(tmp_path))
    assert (*plan.servers, "theirs@base") == against_base.servers
    (kind,) = base_kinds(against_base, pytest.fail).values()
    assert tmp_path == kind.checkout.folder if kind.checkout else None


def test_the_same_checkout_on_both_sides_is_allowed() -> None:
    plan = with_base(PLAN, str(Path(bench.__file__).parents[1]), sys.executable)
    assert ("direct@base", "informer@base") == plan.servers[-2:]


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("no", "no such folder; make it with: git worktree add"),
        (".", "not a checkout of this project (it lacks servers/__main__.py"),
    ],
)
def test_a_folder_without_checkout_is_reported(tmp_path: Path, folder: str, message: str) -> None:
    assert message in error_of(tmp_path / folder)


def test_a_checkout_without_an_environment_is_reported(checkout: Path) -> None:
    message = error_of(checkout)
    assert f"no interpreter {checkout / '.venv/bin/python'}" in message
    assert f"make -C {checkout} env" in message


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("/no/python", "--against-python /no/python: no interpreter"),
        ("/bin/true", "cannot be started by /bin/true"),
    ],
)
def test_an_unusable_interpreter_is_reported(checkout: Path, python: str, message: str) -> None:
    assert message in error_of(checkout, python)


def test_an_environment_that_lacks_a_package_is_reported(checkout: Path) -> None:
    (checkout / "servers" / "registry.py").write_text("import not_installed_here\n")
    message = error_of(checkout, sys.executable)
    assert "ModuleNotFoundError: No module named 'not_installed_here'" in message
    assert "--against-python FILE" in message


def test_a_checkout_without_any_of_the_plans_servers_is_reported(checkout: Path) -> None:
    plan = a_plan(servers=("new",))
    assert "it has none of the plan's servers (new); it has direct" in error_of(
        checkout, sys.executable, plan
    )
