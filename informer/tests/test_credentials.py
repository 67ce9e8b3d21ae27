"""A bearer token is sent trimmed, or refused without being repeated."""

import pytest

from kube_informer.credentials import bearer_header
from kube_informer.errors import CredentialsError

TOKEN = "marked-token-4711"


@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}\r\n", "\t{} "])
def test_white_space_around_a_token_is_not_sent(around: str) -> None:
    assert f"Bearer {TOKEN}" == bearer_header(around.format(TOKEN), "a token")


@pytest.mark.parametrize("between", ["\n", "\r\n", "\0", "\u2028", "\u20ac", "\t"])
def test_a_token_that_no_header_can_carry_is_refused_without_its_value(between: str) -> None:
    with pytest.raises(CredentialsError) as refused:
        bearer_header(f"{TOKEN}{between}{TOKEN}", "the token in /a/file")

    assert str(refused.value).startswith("the token in /a/file has ")
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_token_is_refused(empty: str) -> None:
    with pytest.raises(CredentialsError, match="the token in /a/file is empty"):
        bearer_header(empty, "the token in /a/file")
