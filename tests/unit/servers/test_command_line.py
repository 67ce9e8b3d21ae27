"""Arguments of a server, checked without starting one."""

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
    ],
)
def test_a_number_out_of_range_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["direct", "--kubeconfig", "x", option, value])

    assert 2 == ended.value.code
    assert f"argument {option}: {value!r} is not a" in capsys.readouterr().err


def test_a_kubeconfig_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["informer"])

    assert 2 == ended.value.code
    assert "--kubeconfig" in capsys.readouterr().err
