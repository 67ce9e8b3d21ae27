"""Which context a server reads by, and what is said of a file that cannot be used."""

from pathlib import Path

import pytest
import yaml

from servers.kubeconfig import KubeconfigError, choose_context, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, "admin", "informer", current="admin")


def write(folder: Path, *names: str, current: str | None = None, **user: str) -> Path:
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": name, "user": user} for name in names],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": name}} for name in names],
    }
    if current is not None:
        document["current-context"] = current
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path


def test_the_context_asked_for_goes_first(file: Path) -> None:
    assert "admin" == choose_context(file, "admin", "informer")


def test_the_servers_own_identity_goes_before_the_current_context(file: Path) -> None:
    assert "informer" == choose_context(file, None, "informer")


def test_the_current_context_is_the_last_resort(file: Path) -> None:
    assert "admin" == choose_context(file, None, "direct")


def test_an_unknown_context_is_refused_with_the_known_ones(file: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"'nobody'; it has admin, informer"):
        choose_context(file, "nobody", "direct")


def test_without_any_context_one_must_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="--context"):
        choose_context(write(tmp_path, "admin"), None, "direct")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"a: 1", b"\x00", b"\xff", b"contexts: 1\nclusters: []\nusers: []"],
    ids=["empty", "cut", "list", "other", "nul", "not-text", "wrong-type"],
)
def test_a_file_that_is_no_kubeconfig_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)

    with pytest.raises(KubeconfigError) as refusal:
        choose_context(path, None, "direct")

    assert str(refusal.value).startswith(f"{path} is not ")
    assert "\n" not in str(refusal.value)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=r"cannot read .*none: No such file"):
        choose_context(tmp_path / "none", None, "direct")


def test_a_context_of_an_unknown_user_is_refused(file: Path) -> None:
    file.write_text(file.read_text().replace("user: informer", "user: nobody"))

    with pytest.raises(KubeconfigError, match=r"'informer' of .* names the user 'nobody'"):
        choose_context(file, None, "informer")


def test_a_certificate_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "admin", current="admin")
    path.write_text(
        path.read_text()
        .replace("http:", "https:")
        .replace("server:", "certificate-authority: /none\n    server:")
    )

    with pytest.raises(KubeconfigError, match="/none"):
        load(path, "admin")


def test_data_that_is_not_base64_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "admin", current="admin")
    path.write_text(
        path.read_text()
        .replace("http:", "https:")
        .replace("server:", "certificate-authority-data: x\n    server:")
    )

    with pytest.raises(KubeconfigError, match=r"'admin' of .* cannot be used"):
        load(path, "admin")
