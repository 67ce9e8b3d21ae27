"""Arguments of a server, checked without starting one."""

from pathlib import Path

import pytest

from servers.cli import main


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "80000"),
        ("--port", "x"),
        ("--port", "-1"),
        ("--threads", "0"),
        ("--threads", "1.5"),
        ("--workers", "0"),
        ("--workers", "9"),
        ("--replica", "0"),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["direct", "--kubeconfig", "x", option, value])

    assert 2 == ended.value.code
    assert f"argument {option}: {value!r} is not a" in capsys.readouterr().err


def test_without_any_kubeconfig_the_error_names_the_default_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)

    with pytest.raises(SystemExit) as ended:
        main(["informer"])

    assert 3 == ended.value.code
    assert f"there is no {tmp_path}/.kube/config" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "assignment", "message"),
    [
        ("ttl", "ttl_s", "'ttl_s' is not NAME=NUMBER"),
        ("ttl", "ttl_s=soon", "'ttl_s=soon' is not NAME=NUMBER"),
        ("ttl", "ttl_s=nan", "'ttl_s=nan' is not NAME=NUMBER"),
        ("ttl", "ttl_s=-1", "ttl_s=-1 is below 0"),
        ("ttl", "ttl=5", "ttl has no option 'ttl'; there is ttl_s"),
        ("direct", "ttl_s=5", "direct has no option 'ttl_s'; it has no options"),
    ],
)
def test_an_option_that_a_server_lacks_or_cannot_read_is_refused(
    capsys: pytest.CaptureFixture[str], name: str, assignment: str, message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--kubeconfig", "x", "--set", assignment])

    assert 2 == ended.value.code
    assert f"argument --set: {message}" in capsys.readouterr().err
