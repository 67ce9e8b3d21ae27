"""Differences between two JSON values, field by field. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

NOTHING = object()
"""Stands for a field that is not there."""


def differences(answers: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Tell each field in which two JSON values differ, by its path.

    ``answers`` holds two values by the name of who gave them.
    """
    (left_name, left), (right_name, right) = answers.items()
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            pair = {left_name: left.get(key, NOTHING), right_name: right.get(key, NOTHING)}
            yield from differences(pair, f"{place}.{key}" if place else key)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield f"{place}: {left_name} has {len(left)} entries, {right_name} {len(right)}"
        for number, entries in enumerate(zip(left, right, strict=False)):
            named = dict(zip(answers, entries, strict=True))
            yield from differences(named, f"{place}[{number}]")
    elif left is NOTHING or right is NOTHING or left != right or type(left) is not type(right):
        yield f"{place}: {left_name} {_shown(left)}, {right_name} {_shown(right)}"


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    if value is NOTHING:
        return "has nothing"
    text = json.dumps(value)
    return f"says {text if len(text) <= 80 else text[:77] + '...'}"


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return JSON without the keys whose value is null: to Kubernetes they are not there."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value
