"""Versions: how they are read, and which may stand in for which."""

import pytest

from bench.cluster.binaries.model import Version, best_match


@pytest.mark.parametrize("text", ["1.37.2", "v1.37.2", "v1.37.2+k3s1"])
def test_a_version_reads_with_and_without_its_letter_and_suffix(text):
    assert Version(1, 37, 2) == Version.parse(text)


@pytest.mark.parametrize("text", ["1.37", "v1.37.0-rc.1", "latest", "", "1.37.2x"])
def test_a_text_that_is_no_released_version_is_refused_by_its_text(text):
    with pytest.raises(ValueError, match=repr(text)):
        Version.parse(text)


def test_a_version_is_written_without_its_letter():
    assert "1.37.2" == str(Version(1, 37, 2))


@pytest.mark.parametrize(
    ("offered", "best"),
    [
        (["1.37.1", "1.37.2", "1.37.10"], "1.37.2"),
        (["1.37.9", "1.37.10", "1.38.0"], "1.37.10"),
        (["1.36.9", "1.38.0"], None),
        ([], None),
    ],
)
def test_the_best_match_is_the_version_itself_or_the_newest_patch_of_its_minor(offered, best):
    versions = [Version.parse(text) for text in offered]
    expected = None if best is None else Version.parse(best)
    assert expected == best_match(versions, Version(1, 37, 2))


def test_a_request_for_a_minor_version_accepts_any_patch():
    requested = Version.parse_request("1.36")
    assert "1.36" == str(requested)
    assert Version(1, 36, 4) == best_match([Version(1, 36, 1), Version(1, 36, 4)], requested)


@pytest.mark.parametrize("text", ["1", "1.x", "latest", "", "1.37.", "1.37.0-rc.1"])
def test_a_request_that_is_no_version_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"is not a version such as 1\.37 or 1\.37\.2"):
        Version.parse_request(text)
