"""An API server accepts the manifests of ``deploy/``, and the commands in them run."""

import json
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import msgpack
import pytest
import yaml
import zmq

from bench.cluster.api import Api, ApiError
from bench.cluster.control_plane import ControlPlane
from bench.cluster.identities import IDENTITIES
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
FOLDERS = ("base", "load-workers")
APPLY = "application/apply-patch+yaml"
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
}

Manifest = dict[str, Any]


def manifests(folder: str) -> list[Manifest]:
    """Return the manifests of ``kubectl apply --kustomize``, for a folder that lists files."""
    kustomization = yaml.safe_load((DEPLOY / folder / "kustomization.yaml").read_text())
    assert {"apiVersion", "kind", "resources", "images"} == set(kustomization)
    return [
        document
        for name in kustomization["resources"]
        for document in yaml.safe_load_all((DEPLOY / folder / name).read_text())
    ]


PAIRS = [(folder, manifest) for folder in FOLDERS for manifest in manifests(folder)]
IDS = [f"{folder}-{m['kind']}-{m['metadata']['name']}" for folder, m in PAIRS]
MANIFESTS = [manifest for _, manifest in PAIRS]
DEPLOYMENTS = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api("admin")  # shared: it stays open


def dry_run(api: Api, manifest: Manifest) -> Manifest:
    """Apply ``manifest`` as a server-side dry run with strict validation of its fields."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    path = f"{group}{scope}/{PLURALS[manifest['kind']]}/{metadata['name']}"
    query = "?dryRun=All&fieldManager=deploy&force=true&fieldValidation=Strict"
    body = yaml.safe_dump(manifest).encode()
    applied: Manifest = json.loads(api.request("PATCH", path + query, body, content_type=APPLY))
    return applied


@pytest.mark.parametrize("manifest", MANIFESTS, ids=IDS)
def test_the_api_server_accepts_every_manifest(api: Api, manifest: Manifest) -> None:
    applied = dry_run(api, manifest)
    assert manifest["metadata"]["name"] == applied["metadata"]["name"]


def test_the_api_server_rejects_a_field_that_does_not_exist(api: Api) -> None:
    wrong = json.loads(json.dumps(DEPLOYMENTS[0]))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(ApiError, match="readynessProbe"):
        dry_run(api, wrong)


@pytest.fixture(scope="module")
def restricted(api: Api) -> str:
    """A namespace that enforces the restricted Pod Security Standard."""
    name = "deploy-restricted"
    labels = manifests("base")[0]["metadata"]["labels"]
    api.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    return name


@pytest.mark.parametrize("manifest", DEPLOYMENTS, ids=lambda m: m["metadata"]["name"])
def test_every_pod_meets_the_restricted_standard(
    api: Api, restricted: str, manifest: Manifest
) -> None:
    template = manifest["spec"]["template"]
    pod = {"metadata": {"name": "tried", "labels": template["metadata"]["labels"]}}
    pod["spec"] = template["spec"]
    path = f"/api/v1/namespaces/{restricted}/pods?dryRun=All&fieldValidation=Strict"
    assert "tried" == api.post(path, pod)["metadata"]["name"]
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ApiError, match="restricted"):
        api.post(path, pod)
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = False


def test_the_servers_have_the_rights_that_the_benchmark_gives_its_servers() -> None:
    deployed = {
        manifest["metadata"]["name"].partition(":")[2]: manifest["rules"]
        for manifest in MANIFESTS
        if manifest["kind"] == "ClusterRole"
    }
    benchmark = {role.name: role.rules for role in IDENTITIES if role.name in deployed}
    assert {"informer", "direct"} == set(deployed)
    for name, rules in deployed.items():
        assert [(rule["resources"], sorted(rule["verbs"])) for rule in benchmark[name]] == [
            (rule["resources"], sorted(rule["verbs"])) for rule in rules
        ]


def test_each_service_selects_the_pods_of_one_deployment() -> None:
    pods = [deployment["spec"]["template"]["metadata"] for deployment in DEPLOYMENTS]
    for manifest in MANIFESTS:
        if manifest["kind"] == "Service":
            selector = manifest["spec"]["selector"].items()
            assert 1 == sum(selector <= pod["labels"].items() for pod in pods)


def named(name: str, candidates: list[Manifest]) -> Manifest:
    """Return the manifest called ``name``."""
    (manifest,) = (m for m in candidates if m["metadata"]["name"] == name)
    return manifest


def container_of(name: str) -> Manifest:
    """Return the container of the Deployment ``name``."""
    container: Manifest = named(name, DEPLOYMENTS)["spec"]["template"]["spec"]["containers"][0]
    return container


def command(name: str) -> list[str]:
    """Return the command of the Deployment ``name``, run by this Python."""
    container = container_of(name)
    assert "python" == container["command"][0]
    return [sys.executable, *container["command"][1:], *container["args"]]


@pytest.fixture(scope="module")
def start(
    watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Path]]:
    """Return a function that starts a command, to end with the last test, and returns its log."""
    running: list[SupervisedProcess] = []
    logs = tmp_path_factory.mktemp("logs")

    def run(name: str, argv: list[str], ready: Callable[[Path], bool]) -> Path:
        log = logs / f"{name}.log"
        log.touch()
        running.append(
            SupervisedProcess.start(
                name,
                argv,
                log=log,
                watchdog=watchdog,
                cwd=ROOT,
                env=os.environ,
                ready=lambda: ready(log),
                ready_timeout_s=60,
            )
        )
        return log

    yield run
    for process in reversed(running):
        process.stop()


@pytest.mark.parametrize("name", ["informer", "direct"])
def test_a_server_starts_by_its_command_and_answers_its_probes(
    start: Callable[..., Path], control_plane: ControlPlane, tmp_path: Path, name: str
) -> None:
    """Of the kubeconfig, only the cluster's address, authority and token are replaced."""
    text = named("in-cluster", MANIFESTS)["data"]["kubeconfig"]
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    (user,) = (entry["user"] for entry in config["users"] if entry["name"] == name)
    cluster = config["clusters"][0]["cluster"]
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    for inside, outside in (
        ("https://kubernetes.default.svc", cluster["server"]),
        (f"{account}/ca.crt", cluster["certificate-authority"]),
        (f"{account}/token", user["tokenFile"]),
    ):
        assert inside in text
        text = text.replace(inside, outside)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(text)
    replacements = {
        "/etc/informer-bench/kubeconfig": str(kubeconfig),
        "0.0.0.0": "127.0.0.1",
        "8080": "0",
    }
    argv = [replacements.get(word, word) for word in command(name)]
    assert len(replacements) == sum(word in replacements for word in command(name))
    log = start(name, argv, lambda log: "/pods reads" in log.read_text())
    address = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
    assert address is not None
    container = container_of(name)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        probed = address.group(0) + container[probe]["httpGet"]["path"]
        start(f"{name}-{probe}", ["sleep", "60"], lambda _, url=probed: answers(url))


@pytest.fixture(scope="module")
def locust(start: Callable[..., Path], free_ports: tuple[int, int]) -> tuple[str, int, Path]:
    """The page's URL, the port for workers and the log of Locust as its Deployment starts it."""
    page, workers = free_ports
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(workers)]
    master = [*command("locust"), "--web-host", "127.0.0.1", "--web-port", str(page), *bound]
    url = f"http://127.0.0.1:{page}"
    log = start("master", master, lambda _: answers(f"{url}/worker-count"))
    return url, workers, log


MALFORMED = (
    [b""],
    [b"\xc1"],
    [b"\x93\xa5stats"],
    [msgpack.dumps(5)],
    [msgpack.dumps(("stats", None, "nobody"))],
    [msgpack.dumps(("logs", 7, "nobody"))],
    [msgpack.dumps(("locustfile", None, "nobody"))],
    [msgpack.dumps(("client_ready", 7, "nobody"))],
    [b"one", b"two", b"three"],
)


def test_each_malformed_message_is_logged_and_a_worker_joins_afterwards(
    start: Callable[..., Path], locust: tuple[str, int, Path]
) -> None:
    url, workers, log = locust
    with socket.create_connection(("127.0.0.1", workers)) as no_worker:
        no_worker.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.connect(f"tcp://127.0.0.1:{workers}")
        for sent, frames in enumerate(MALFORMED, 1):
            stranger.send_multipart(frames)
            deadline = time.monotonic() + 30
            while len(re.findall("malformed message|in event handler", log.read_text())) < sent:
                assert time.monotonic() < deadline, (frames, log.read_text())
                time.sleep(0.05)
    assert b'"worker_count":0' in worker_count(url)
    replacements = {"locust": "127.0.0.1", "5557": str(workers)}
    argv = command("locust-workers")
    begin = argv.index("--master-host")
    worker = argv[:begin] + [replacements.get(word, word) for word in argv[begin:]]
    start("worker", worker, lambda _: b'"worker_count":1' in worker_count(url))


def worker_count(url: str) -> bytes:
    return read(f"{url}/worker-count").replace(b" ", b"")


def test_locusts_page_refuses_foreign_requests(locust: tuple[str, int, Path]) -> None:
    url, _, _ = locust
    for path, headers in (
        ("/", {"Host": "evil.example"}),
        ("/stats/requests", {"Origin": "http://evil.example"}),
        ("/stop", {}),
        ("/user", {}),
        ("/swarm", {"Sec-Fetch-Site": "cross-site"}),
    ):
        data = b"user_count=1&spawn_rate=1" if path in ("/stop", "/swarm", "/user") else None
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=60)
        refused.value.close()
        assert (path, 403) == (path, refused.value.code)


def test_locusts_page_sends_load_only_to_the_servers_of_its_command(
    locust: tuple[str, int, Path],
) -> None:
    url, _, _ = locust
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(url, timeout=60).close()
    for field in ("host", "informer", "direct", "targets"):
        form = {"user_count": 1, "spawn_rate": 1, field: "http://192.0.2.1"}
        data = urllib.parse.urlencode(form).encode()
        with opener.open(f"{url}/swarm", data, timeout=60) as answer:
            assert (field, False) == (field, json.load(answer)["success"])
    assert b'"ready"' in read(f"{url}/stats/requests")


@pytest.fixture(scope="module")
def free_ports() -> tuple[int, int]:
    """Two free ports."""
    from bench.supervision.ports import usable_port

    return usable_port(), usable_port()


def answers(url: str) -> bool:
    try:
        return bool(read(url))
    except OSError:
        return False


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as response:
        content: bytes = response.read()
    return content


def test_the_image_has_every_package_that_the_commands_run() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\S+) \./", dockerfile, re.MULTILINE))
    names = [deployment["metadata"]["name"] for deployment in DEPLOYMENTS]
    modules = {argv[argv.index("-m") + 1].split(".")[0] for argv in map(command, names)}
    assert modules - {"locust"} <= copied
    assert all((ROOT / name).exists() for name in copied)
    ignore_rules = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert {f"!{name}" for name in copied} <= set(ignore_rules)
    assert re.search(r"^USER [1-9]\d*", dockerfile, re.MULTILINE)
    assert "--require-hashes" in dockerfile
