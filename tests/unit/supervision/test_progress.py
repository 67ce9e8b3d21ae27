"""Questions to the person at the terminal."""

import io

import pytest

from bench.supervision.progress import Progress


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y\n", True), ("yes\n", True), (" Y \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_only_a_yes_is_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, agreed: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with Progress() as progress:
        assert agreed is progress.ask("Run it on https://[::1]:6443?")
    captured = capsys.readouterr()
    assert "Run it on https://[::1]:6443? [y/N]" in captured.out + captured.err
