"""Differences between two JSON values, field by field. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

NOTHING = object()
"""Stands for a missing field."""


def differences(answers: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield a text for each field in which two JSON values differ, by its path.

    ``answers`` has the two values by the names of their servers.
    """
    (left_name, left), (right_name, right) = answers.items()
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            pair = {left_name: left.get(key, NOTHING), right_name: right.get(key, NOTHING)}
            yield from differences(pair, f"{path}.{key}" if path else key)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield f"{path}: {left_name} has {len(left)} entries, {right_name} {len(right)}"
        for number, entries in enumerate(zip(left, right, strict=False)):
            named = dict(zip(answers, entries, strict=True))
            yield from differences(named, f"{path}[{number}]")
    elif left is NOTHING or right is NOTHING or left != right or type(left) is not type(right):
        yield f"{path}: {left_name} {_describe(left)}, {right_name} {_describe(right)}"


def _describe(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    if value is NOTHING:
        return "has nothing"
    text = json.dumps(value)
    return f"says {text if len(text) <= 80 else text[:77] + '...'}"


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return JSON without the keys whose value is null: Kubernetes treats them as missing."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
