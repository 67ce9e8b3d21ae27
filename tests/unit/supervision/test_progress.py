"""Questions on the terminal, and the progress shown there."""

import io
import signal

import pytest

from bench.supervision.progress import Progress
from bench.supervision.signals import Interrupted, unwinding_on_signals


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


@pytest.mark.parametrize(
    ("variables", "drawn"),
    [
        ({"TTY_COMPATIBLE": "1", "COLUMNS": "100"}, True),
        ({"TTY_COMPATIBLE": "1", "COLUMNS": "60"}, False),
        ({"TTY_COMPATIBLE": "1", "COLUMNS": "100", "NO_COLOR": "1"}, False),
        ({"TTY_COMPATIBLE": "1", "COLUMNS": "100", "TERM": "dumb"}, False),
        ({"TTY_COMPATIBLE": "0", "COLUMNS": "100"}, False),
    ],
    ids=["wide", "narrow", "no-color", "dumb", "piped"],
)
def test_only_on_a_wide_terminal_of_colours_is_anything_drawn_over(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    drawn: bool,
) -> None:
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with Progress() as progress:
        progress.show("drawn over", ["plain", "lines"])
        progress.ends_in(600)
        progress.move("measuring", 0.5)
    shown = capsys.readouterr().err
    assert drawn is ("drawn over" in shown)
    assert "about 10 min left" in shown
    assert drawn is ("plain\nlines\n" not in shown)
    assert drawn is ("\x1b" in shown)


def test_a_signal_in_the_midst_of_a_line_leaves_no_half_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Signalling(io.StringIO):
        def write(self, text: str) -> int:
            if "whole" in text:
                signal.raise_signal(signal.SIGINT)
            return super().write(text)

    stream = Signalling()
    monkeypatch.setattr("sys.stderr", stream)
    with pytest.raises(Interrupted), unwinding_on_signals():
        Progress().say("a whole line")
    assert "a whole line\n" == stream.getvalue()
