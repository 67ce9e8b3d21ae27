"""The library as others get it: built, installed alone, and its examples run on a real cluster.

Needs no package index. The empty environment gets the built wheel and copies of the
distributions that it depends on, as they are installed for this suite.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kube_informer
from bench.cluster.api import ApiError
from tests.integration.informer.replica import PATIENCE_S, eventually

ROOT = Path(kube_informer.__file__).parents[2]
EXAMPLES = ROOT / "examples"
BUILD = (
    "import sys; from setuptools import build_meta as b; b.build_sdist({0!r}), b.build_wheel({0!r})"
)


def build(source: Path, into: Path) -> tuple[Path, Path]:
    """Build sdist and wheel with the backend that pyproject.toml names; return both."""
    subprocess.run(
        [sys.executable, "-c", BUILD.format(str(into))], cwd=source, check=True, capture_output=True
    )
    (sdist,), (wheel,) = into.glob("*.tar.gz"), into.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The sdist and the wheel, built from a copy that no build has touched."""
    copy = tmp_path_factory.mktemp("source") / "informer"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    return build(copy, tmp_path_factory.mktemp("built"))


def dependencies(name: str) -> set[str]:
    """Return the names of all direct and indirect dependencies of a distribution here."""
    names: set[str] = set()
    waiting = [Requirement(name)]
    while waiting:
        requirement = waiting.pop()
        for text in distribution(requirement.name).requires or ():
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker and not any(needed.marker.evaluate({"extra": e}) for e in extras):
                continue
            if canonicalize_name(needed.name) not in names:
                names.add(canonicalize_name(needed.name))
                waiting.append(needed)
    return names


@pytest.fixture(scope="module")
def empty_python(built, tmp_path_factory) -> Path:
    """The interpreter of an environment with only the wheel and its dependencies."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    pip(python, "install", "--no-index", "--no-deps", str(built[1]))
    site = next((home / "lib").glob("python*/site-packages"))
    for name in dependencies("kube-informer"):
        for file in distribution(name).files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)
    return python


def pip(python: Path, *arguments: str) -> str:
    """Run the suite's pip on another environment."""
    command = [sys.executable, "-m", "pip", "--python", str(python), *arguments]
    quiet = ["--disable-pip-version-check"]
    return subprocess.run([*command, *quiet], check=True, capture_output=True, text=True).stdout


def test_the_wheel_is_the_package_its_licence_and_nothing_else(built):
    names = set(zipfile.ZipFile(built[1]).namelist())
    modules = {
        f"kube_informer/{path.name}" for path in Path(kube_informer.__file__).parent.iterdir()
    }
    meta = {name for name in names if ".dist-info/" in name}
    assert modules - {"kube_informer/__pycache__"} == names - meta
    assert "kube_informer/py.typed" in names
    assert 1 == len([name for name in meta if name.endswith("licenses/LICENSE")])


def test_a_wheel_built_from_the_sdist_is_the_same(built, tmp_path):
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    _, again = build(unpacked, tmp_path)
    contents = [
        {entry.filename: entry.CRC for entry in zipfile.ZipFile(wheel).infolist()}
        for wheel in (built[1], again)
    ]
    assert contents[0] == contents[1]


def test_files_named_on_its_index_page_are_in_the_sdist_and_no_link_is_broken(built):
    with tarfile.open(built[0]) as archive:
        contained = {name.partition("/")[2] for name in archive.getnames()}
        page = archive.extractfile(f"{archive.getnames()[0]}/PKG-INFO").read().decode()
    named = set(re.findall(r"`((?:docs|examples)/[^`]+|CHANGELOG\.md)`", page))
    assert named
    assert named <= contained
    assert [] == re.findall(r"\]\((?!https:)[^)]+\)", page)


def test_its_declared_dependencies_are_exactly_those_needed(empty_python):
    assert "No broken requirements found.\n" == pip(empty_python, "check")
    listed = json.loads(pip(empty_python, "list", "--format", "json"))
    installed = {canonicalize_name(item["name"]) for item in listed}
    assert dependencies("kube-informer") | {"kube-informer"} == installed
    modules = "kube_informer, kube_informer.testing"
    subprocess.run([empty_python, "-c", f"import {modules}"], check=True)


def test_the_metrics_need_their_extra(empty_python):
    answer = subprocess.run(
        [empty_python, "-c", "import kube_informer.prometheus"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "No module named 'prometheus_client'" in answer.stderr
    assert "prometheus-client" in dependencies("kube-informer[prometheus]")


@pytest.fixture
def running(control_plane, empty_python, namespace) -> Callable[..., Any]:
    """Run an example in the empty environment; after the block SIGTERM must end it cleanly."""

    @contextmanager
    def run(name: str) -> Iterator[None]:
        options = ["--kubeconfig", str(control_plane.kubeconfig), "--context", "admin"]
        program = subprocess.Popen(
            [empty_python, EXAMPLES / name, *options, "--namespace", namespace],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield
        finally:
            program.terminate()
            _, log = program.communicate(timeout=PATIENCE_S)
            print(log)
        assert 0 == program.returncode
        assert "the caches are filled" in log

    control_plane.api("admin").post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    return run


def owned_by(owner: dict[str, Any], kind: str) -> dict[str, Any]:
    metadata = owner["metadata"]
    reference = {"kind": kind, "name": metadata["name"], "uid": metadata["uid"]}
    return {"ownerReferences": [reference | {"apiVersion": "apps/v1", "controller": True}]}


def test_the_deployment_controller_sums_the_restarts_of_pods_two_owners_below(
    control_plane, namespace, running
):
    api = control_plane.api("admin")
    apps, core = f"/apis/apps/v1/namespaces/{namespace}", f"/api/v1/namespaces/{namespace}"
    spec = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    }
    deployment = api.post(f"{apps}/deployments", {"metadata": {"name": "web"}, "spec": spec})

    def restarts() -> str | None:
        annotations = api.get(f"{apps}/deployments/web")["metadata"].get("annotations", {})
        return annotations.get("example.com/restarts")

    with running("deployment_controller.py"):
        eventually(lambda: restarts() == "0", "a Deployment without pods has no restarts")
        meta = {"name": "web-1"} | owned_by(deployment, "Deployment")
        replica_set = api.post(f"{apps}/replicasets", {"metadata": meta, "spec": spec})
        for at in range(2):
            pod = {
                "metadata": {"name": f"web-1-{at}"} | owned_by(replica_set, "ReplicaSet"),
                "spec": spec["template"]["spec"] | {"nodeName": "n"},
            }
            api.post(f"{core}/pods", pod)
            restarted = {"name": "c", "restartCount": at + 3, "ready": True}
            status = restarted | {"image": "i", "imageID": ""}
            api.merge_patch(
                f"{core}/pods/web-1-{at}/status", {"status": {"containerStatuses": [status]}}
            )
        eventually(lambda: restarts() == "7", "the restarts of both pods")
        api.merge_patch(
            f"{apps}/deployments/web",
            {"metadata": {"annotations": {"example.com/restarts": "edited"}}},
        )
        eventually(lambda: restarts() == "7", "an edited annotation is restored")


def test_the_page_controller_waits_for_its_crd_and_keeps_a_config_map_for_each_page(
    control_plane, namespace, running
):
    api = control_plane.api("admin")
    pages = f"/apis/example.com/v1/namespaces/{namespace}/pages"
    config_map = f"/api/v1/namespaces/{namespace}/configmaps/home"
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    def text() -> str | None:
        try:
            html: str = api.get(config_map)["data"]["index.html"]
        except ApiError:
            return None
        return html.removeprefix("<p>").removesuffix("</p>\n")

    with running("page_controller.py"):
        api.post(crds, yaml.safe_load((EXAMPLES / "page.crd.yaml").read_text()))
        try:
            eventually(lambda: created(api, pages), "the CRD is served")
            eventually(lambda: text() == "hello", "a Page has its ConfigMap")
            api.merge_patch(config_map, {"data": {"index.html": "spoilt"}})
            eventually(lambda: text() == "hello", "an edited ConfigMap is restored")
            api.delete(config_map)
            eventually(lambda: text() == "hello", "a deleted ConfigMap is restored")
            api.merge_patch(f"{pages}/home", {"spec": {"text": "bye"}})
            eventually(lambda: text() == "bye", "the ConfigMap follows its Page")
            eventually(
                lambda: api.get(f"{pages}/home").get("status") == {"observedGeneration": 2},
                "the status names the generation that was acted on",
            )
        finally:
            api.delete(f"{crds}/pages.example.com")


def created(api: Any, pages: str) -> bool:
    """Create the page, if its kind is already served; return whether it was."""
    try:
        api.post(
            pages,
            {
                "kind": "Page",
                "apiVersion": "example.com/v1",
                "metadata": {"name": "home"},
                "spec": {"text": "hello"},
            },
        )
    except ApiError:
        return False
    return True
