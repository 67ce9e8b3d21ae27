"""Tests of the library share one process, and so its registry of secrets."""

import pytest

from kube_informer import redaction


@pytest.fixture(autouse=True)
def secrets_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget a test's secrets: an invented token may be a word of another test's text."""
    monkeypatch.setattr(redaction, "_registered", redaction._registered)
    monkeypatch.setattr(redaction, "_forms", redaction._forms)
