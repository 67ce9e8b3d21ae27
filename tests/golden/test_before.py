"""Pin the figures of seven runs, field by field, to those of ``before/``.

A change that alters a value writes ``before/`` anew (``python -m tests.golden.before_runs``) in its
own commit, whose message says which values changed, and why. Fields may be added.
"""

import gzip
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.golden.before_runs import as_json, pins

BEFORE = Path(__file__).with_name("before")
NAMES = (
    *("name", "rule", "server", "arm", "per", "metric", "per_1000", "scenario", "baseline"),
    *("kind", "q", "path", "text"),
)
"""Keys that identify the members of a list, where they have them; their order is not compared."""
ROUNDING = 1e-7
"""Absolute tolerance of rounding, of bytes per second too; it differs between processors."""
TEXTS = {"title", "source"}
"""Texts of the metric registry: not figures."""


PINNED = sorted(path.name.removesuffix(".json.gz") for path in BEFORE.iterdir())


@pytest.fixture(scope="module")
def actual(tmp_path_factory) -> dict[str, Any]:
    return dict(pins(tmp_path_factory.mktemp("runs")))


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each leaf; a list member is named by its identifying keys."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat(part, f"{path}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from flat(part, f"{path}[{_name(part, index)}]")
    else:
        yield path, value


def _name(part: Any, index: int) -> str:
    if not isinstance(part, Mapping):
        return str(index)
    values = [part[key] for key in NAMES if part.get(key) is not None]
    names = [value["name"] if isinstance(value, Mapping) else value for value in values]
    names += [part[key] for key in ("round", "replica") if isinstance(part.get(key), int)]
    return "/".join(map(str, names)) or str(index)


def same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, float) and isinstance(actual, int | float):
        return math.isclose(expected, actual, rel_tol=1e-8, abs_tol=ROUNDING)
    return bool(expected == actual)


@pytest.mark.parametrize("name", PINNED)
def test_every_figure_is_the_same(name, actual):
    pinned = json.loads(gzip.decompress((BEFORE / f"{name}.json.gz").read_bytes()))
    leaves, missing = dict(flat(as_json(actual[name]))), object()
    differing = {
        path: (value, leaves.get(path, "missing"))
        for path, value in flat(pinned)
        if path.rsplit(".", 1)[-1] not in TEXTS and not same(value, leaves.get(path, missing))
    }
    assert {} == differing


def test_nothing_is_left_unpinned(actual):
    assert PINNED == sorted(actual)
