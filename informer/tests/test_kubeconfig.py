"""The choice of files and context, and the errors for a file that cannot be used."""

import os
from pathlib import Path

import pytest
import yaml

from kube_informer import ClientConfig, KubeconfigError
from kube_informer.kubeconfig import LISTED, Kubeconfig, listed

SECRET = "marked-secret-4711"


def document(*names: str, current: str | None = None) -> dict[str, object]:
    made: dict[str, object] = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": name, "user": {"token": f"{SECRET}-{name}"}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": name}} for name in names],
    }
    return made if current is None else made | {"current-context": current}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document("admin", "informer", current="admin")))
    return path


def authorization(config: ClientConfig) -> str | None:
    return config.credentials.headers().get("Authorization")


@pytest.mark.parametrize(
    ("context", "preferred", "expected"),
    [
        ("admin", "informer", "admin"),
        (None, "informer", "informer"),
        (None, "direct", "admin"),
        (None, None, "admin"),
    ],
)
def test_a_named_context_goes_before_a_preferred_one_before_the_current_one(
    file: Path, context: str | None, preferred: str | None, expected: str
) -> None:
    config = ClientConfig.load(file, context, preferred=preferred)

    assert expected == config.context
    assert f"Bearer {SECRET}-{expected}" == authorization(config)


def test_an_unknown_context_is_refused_with_the_known_ones_and_the_nearest(file: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"'admn'; did you mean 'admin'\? .*admin, informer"):
        ClientConfig.load(file, "admn")


def test_without_a_current_context_one_must_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document("admin")))

    with pytest.raises(KubeconfigError, match=r"; name one, .* --context \(there are: admin\)$"):
        ClientConfig.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"a: 1",
        b"\x00",
        b"\xff",
        b"contexts: 1\nclusters: []\nusers: []",
        f"users: [{{name: u, user: {{token: *{SECRET}}}}}]".encode(),
        f"users: [{{name: u, user: {{token: '{SECRET}}}}}]".encode(),
        f"users: [{{name: u, user: {{token: !!{SECRET} x}}}}]".encode(),
        f"users: [{{name: u, user: {{token: [{SECRET}]}}}}]".encode(),
        f'{{"users": [{{"name": "u", "user": {{"token": "{SECRET}}}]}}'.encode(),
        f"contexts: []\nusers:\n- name: u\n  user:\n    token: {SECRET}\n   x: y".encode(),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named_in_one_line_without_its_secrets(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)

    with pytest.raises(KubeconfigError) as refusal:
        ClientConfig.load(path)

    assert str(refusal.value).startswith(f"{path} is not a kubeconfig")
    assert "\n" not in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"cannot read .*none: No such file .*; give a kub"):
        ClientConfig.load(tmp_path / "none")


@pytest.mark.parametrize("kind", ["contexts", "clusters", "users"])
def test_two_entries_of_one_name_are_refused(tmp_path: Path, kind: str) -> None:
    made = document("admin", current="admin")
    made[kind] = 2 * made[kind]
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(made))

    with pytest.raises(KubeconfigError, match=f"has two {kind} named '(admin|c)'"):
        ClientConfig.load(path)


def test_of_several_files_the_first_that_has_a_name_wins_and_missing_ones_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "deeper" / "second"
    second.parent.mkdir()
    (second.parent / "token").write_text("from-a-file\n")
    first.write_text("contexts: null\nusers:\n- name: admin\n  user: {token: of-the-first}\n")
    made = document("admin", "other", current="admin")
    made["users"][1] = {"name": "other", "user": {"tokenFile": "token"}}
    second.write_text(yaml.safe_dump(made))
    files = [str(first), str(tmp_path / "missing"), "", str(second), str(first)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))

    assert "Bearer of-the-first" == authorization(ClientConfig.load())
    assert "Bearer from-a-file" == authorization(ClientConfig.load(None, "other"))


def test_without_a_file_the_one_in_the_home_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(yaml.safe_dump(document("home", current="home")))

    assert "home" == ClientConfig.load().context


def test_without_any_file_a_pod_uses_its_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-pod\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    config = ClientConfig.in_cluster(tmp_path)

    assert ("https://[fd00::1]:443", "Bearer of-the-pod") == (config.server, authorization(config))


def test_a_pod_without_a_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)

    with pytest.raises(KubeconfigError, match=r"no token of a service account: .*/token; set auto"):
        ClientConfig.load()


def test_outside_a_pod_there_is_no_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(KubeconfigError, match="KUBERNETES_SERVICE_HOST"):
        ClientConfig.in_cluster(tmp_path)


def test_a_long_list_of_names_is_cut_and_counts_the_others() -> None:
    names = [f"c{number}" for number in range(LISTED + 3)]

    assert "c0, c1" == listed(names[:2])
    assert "none" == listed([])
    assert listed(names).endswith(f"c{LISTED - 1}, and 3 more")


def test_a_string_that_looks_like_a_date_stays_a_string(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("current-context: 2026-01-01\ncontexts: []\n")

    assert "2026-01-01" == Kubeconfig.read(path).current_context
