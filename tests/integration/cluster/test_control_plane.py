"""The control plane: real, reachable as each identity, and gone without a trace."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import kubernetes
import pytest
import yaml
from cryptography import x509

import bench.cluster.control_plane as control_plane_module
from bench.cluster.api import Api, ApiError, ApiUnreachableError
from bench.cluster.binaries import Binaries
from bench.cluster.certificates import Authority
from bench.cluster.control_plane import ControlPlane
from bench.cluster.identities import IDENTITIES, NAMESPACE, write_token
from bench.probes.observers import observers
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from kube_informer import ClientConfig

ACCOUNTS = (*IDENTITIES, *(observer.identity for observer in observers().values()))
EVERYBODY = ("admin", *(identity.name for identity in ACCOUNTS))
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture(scope="module", autouse=True)
def admitted(control_plane: ControlPlane) -> None:
    """Create the observers' accounts, which their start creates otherwise."""
    for identity in ACCOUNTS:
        control_plane.admit(identity)


def whoami(plane: ControlPlane, identity: str) -> dict[str, object]:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = plane.api(identity).post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    info: dict[str, object] = answer["status"]["userInfo"]
    return info


def test_it_reports_the_requested_version(control_plane: ControlPlane, binaries: Binaries) -> None:
    version = control_plane.api("admin").get("/version")
    assert f"v{binaries.kubernetes}" == version["gitVersion"]


def test_the_kubeconfig_has_a_context_for_each_identity(control_plane: ControlPlane) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    assert set(EVERYBODY) == {context["name"] for context in config["contexts"]}
    identities = "admin informer direct external churn probe bystander harness"
    assert set(identities.split()) == set(EVERYBODY)


@pytest.mark.parametrize("context", EVERYBODY)
def test_the_official_client_takes_every_context(control_plane: ControlPlane, context: str) -> None:
    client = kubernetes.config.new_client_from_config(str(control_plane.kubeconfig), context)
    with client:
        assert "v1" in kubernetes.client.CoreApi(client).get_api_versions().versions


@pytest.mark.parametrize("identity", ACCOUNTS, ids=lambda identity: identity.name)
def test_every_account_is_seen_under_its_own_name(control_plane: ControlPlane, identity) -> None:
    assert (
        control_plane.placement.user(identity.name)
        == whoami(control_plane, identity.name)["username"]
    )


@pytest.mark.parametrize("identity", EVERYBODY)
def test_nobody_is_exempt_from_flow_control(control_plane: ControlPlane, identity: str) -> None:
    assert "system:masters" not in whoami(control_plane, identity)["groups"]


@pytest.mark.parametrize(
    ("identity", "method", "path"),
    [
        ("direct", "GET", "/api/v1/pods?watch=true&timeoutSeconds=1"),
        ("direct", "POST", PODS),
        ("informer", "POST", PODS),
        ("informer", "GET", "/api/v1/secrets"),
        ("churn", "GET", "/api/v1/pods"),
        ("bystander", "GET", "/api/v1/pods"),
        ("probe", "GET", "/api/v1/pods"),
        ("harness", "GET", "/api/v1/secrets"),
    ],
)
def test_an_identity_may_do_no_more_than_it_needs(
    control_plane: ControlPlane, identity: str, method: str, path: str
) -> None:
    with pytest.raises(ApiError) as refused:
        control_plane.api(identity).request(method, path, {} if method == "POST" else None)
    assert 403 == refused.value.code


def test_the_all_powerful_certificate_of_the_start_is_gone(control_plane: ControlPlane) -> None:
    certificates = [
        x509.load_pem_x509_certificate(file.read_bytes())
        for file in control_plane.folder.glob("*.crt")
    ]
    assert certificates
    assert not [cert for cert in certificates if "system:masters" in cert.subject.rfc4514_string()]


def test_keys_and_tokens_are_for_their_owner_alone(control_plane: ControlPlane) -> None:
    secret = [
        *control_plane.folder.glob("*.key"),
        *(control_plane.folder / "tokens").iterdir(),
        control_plane.kubeconfig,
        control_plane.folder,
    ]
    assert [] == [str(path) for path in secret if path.stat().st_mode & 0o077]


def test_a_rewritten_token_is_used(control_plane: ControlPlane) -> None:
    file = control_plane.folder / "tokens" / "direct"
    before = file.read_text()
    write_token(control_plane.api("admin"), "direct", file)
    assert before != file.read_text()
    assert control_plane.api("direct").get("/api/v1/pods?limit=1")["kind"] == "PodList"


def test_a_stranger_with_another_authority_does_not_trust_it(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    other = Authority(tmp_path).certificate.read_bytes()
    stranger = Api(ClientConfig(control_plane.url, authority=other))
    with pytest.raises(ApiUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.get("/readyz")


def test_the_audit_log_has_an_answered_request_at_once(control_plane: ControlPlane) -> None:
    mark = f"/api/v1/namespaces/{NAMESPACE}/configmaps/audit-{time.time_ns()}"
    with pytest.raises(ApiError):
        control_plane.api("direct").get(mark)
    assert f'"requestURI":"{mark}"' in control_plane.audit_log.read_text()


@pytest.fixture(scope="module")
def free() -> list[int]:
    return [control_plane_module.usable_port() for _ in range(2)]


@pytest.fixture(scope="module")
def other(binaries: Binaries, watchdog: Watchdog, free: list[int]) -> Iterator[ControlPlane]:
    """A control plane whose first ports are taken; the last of its tests stops it."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.MonkeyPatch.context() as patched:
        port = taken.getsockname()[1]
        ports = iter([port, free[0], port, free[1]])
        patched.setattr(control_plane_module, "usable_port", lambda: next(ports))
        started = ControlPlane.start(binaries, watchdog)
    with started:
        yield started


def test_ports_taken_in_between_are_replaced_by_others(
    other: ControlPlane, free: list[int]
) -> None:
    addresses = (f"http://127.0.0.1:{free[0]}", f"https://127.0.0.1:{free[1]}")
    assert addresses == (other.etcd_url, other.url)


def test_two_run_side_by_side_and_know_nothing_of_each_other(
    control_plane: ControlPlane, other: ControlPlane
) -> None:
    assert other.url != control_plane.url
    other.api("admin").post("/api/v1/namespaces", {"metadata": {"name": "only-here"}})
    with pytest.raises(ApiError) as missing:
        control_plane.api("admin").get("/api/v1/namespaces/only-here")
    assert 404 == missing.value.code


def test_it_keeps_its_objects_over_a_restart_of_the_api_server(other: ControlPlane) -> None:
    other.api("admin").post("/api/v1/namespaces", {"metadata": {"name": "kept"}})
    url = other.url
    other.apiserver.stop()
    with pytest.raises(ProcessFailed, match="kube-apiserver"):
        other.check()
    other.start_apiserver()
    assert url == other.url
    assert "kept" == other.api("admin").get("/api/v1/namespaces/kept")["metadata"]["name"]


def test_stopping_it_leaves_no_process_and_no_folder(other: ControlPlane) -> None:
    pids = [other.etcd.pid, other.apiserver.pid]
    other.stop()
    other.stop()
    assert not other.folder.exists()
    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_an_api_server_that_dies_at_start_shows_its_last_words(
    binaries: Binaries, watchdog: Watchdog
) -> None:
    with pytest.raises(ProcessFailed) as failed:
        ControlPlane.start(binaries, watchdog, extra_args=("--no-such-flag",))
    assert "kube-apiserver ended with exit code 1" in str(failed.value)
    assert "unknown flag: --no-such-flag" in str(failed.value)
