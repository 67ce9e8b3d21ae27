"""A registered secret is removed from text in each form in which a library may write it."""

import base64
import json
import tracemalloc
from pathlib import Path
from urllib.parse import quote

import pytest

from kube_informer import TokenFile
from kube_informer.redaction import KEPT, REDACTED, redact, register_secret

SECRET = 'p@ss word/+"\n\u00e9-marked-4711'


@pytest.fixture(autouse=True)
def registered() -> None:
    register_secret(SECRET, None, "")


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        f"Invalid header value {SECRET.encode()!r}",
        f"ValueError: {SECRET!r}",
        json.dumps({"token": SECRET}),
        f"http://user:{quote(SECRET, safe='')}@proxy",
        base64.b64encode(SECRET.encode()).decode(),
        "the second line of it: \u00e9-marked-4711",
    ],
    ids=["as-it-is", "bytes", "repr", "json", "url", "base64", "one-line"],
)
def test_a_secret_is_removed_in_each_form(written: str) -> None:
    left = redact(f"before {written} after")

    assert "marked-4711" not in left
    assert "word/+" not in left
    assert base64.b64encode(SECRET.encode()).decode() not in left
    assert REDACTED in left
    assert left.startswith("before ")
    assert left.endswith(" after")


def test_other_text_is_left_as_it_is() -> None:
    assert "connection refused" == redact("connection refused")


def test_a_secret_that_contains_another_is_removed_whole() -> None:
    register_secret("inner-secret", "outer-inner-secret-outer")

    assert f"x {REDACTED} y" == redact("x outer-inner-secret-outer y")


def test_a_registered_key_does_not_hide_where_the_key_of_another_begins() -> None:
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    register_secret(f"{begin}\nOURS4711\n{end}\n")

    assert f"x {REDACTED} y" == redact(f"x {begin}\nTHEIRS4711\n{end} y")


def test_a_token_that_is_renewed_for_ever_takes_constant_memory(tmp_path: Path) -> None:
    file = tmp_path / "token"
    source = TokenFile(file)

    def renew(numbers: range) -> int:
        """Return the bytes that this process then holds."""
        for number in numbers:
            file.write_text(f"{number}-" + 100 * "renewed-")
            source.reject()
            source.header()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = renew(range(2 * KEPT))
        assert renew(range(2 * KEPT, 4 * KEPT)) - before < 10_000
    finally:
        tracemalloc.stop()

    last_tokens = [f"{number}-" + 100 * "renewed-" for number in range(3 * KEPT, 4 * KEPT)]
    assert " ".join([REDACTED] * (KEPT + 1)) == redact(" ".join([SECRET, *last_tokens]))
