"""Kinds of objects that a cluster may hold beside pods: a few of Kubernetes, and any of a user's.

A user's kind comes as YAML: its CustomResourceDefinition and, where its schema wants
more than metadata, an object of the kind that all others are made like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from bench.model import Objects
from bench.model.plan import OBJECT_PATHS
from bench.plan.toml_schema import nearest

DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class CustomKind:
    """A kind that a CustomResourceDefinition declares."""

    definition: Mapping[str, Any]
    """The CustomResourceDefinition, which asks for no webhook: there is none that would answer."""
    resource: str
    """With its group."""
    root: str
    """Path of the version that is written: ``/apis/<group>/<version>``."""
    example: Mapping[str, Any]
    """What its objects have besides metadata."""


def api_path(objects: Objects) -> str:
    """Return where the API has all objects of the kind; raises ``ValueError``."""
    root = OBJECT_PATHS.get(objects.resource)
    if objects.definition:
        custom = custom_kind(objects.definition)
        if objects.resource != custom.resource:
            raise ValueError(f"it defines {custom.resource!r}, not {objects.resource!r}")
        root = custom.root
    if root is None:
        hint = nearest(objects.resource, OBJECT_PATHS)
        raise ValueError(
            f"there is no kind {objects.resource!r}{hint}; there are {', '.join(OBJECT_PATHS)}, "
            "and those that come with a CustomResourceDefinition"
        )
    return f"{root}/{objects.resource.partition('.')[0]}"


@cache
def custom_kind(text: str) -> CustomKind:
    """Read a CustomResourceDefinition, and an object of its kind; raises ``ValueError``."""
    try:
        documents = [one for one in yaml.safe_load_all(text) if one is not None]
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {error}") from error
    found = [one for one in documents if isinstance(one, dict) and _type(one) == DEFINITION]
    if len(found) != 1:
        raise ValueError(
            f"it holds {len(found)} CustomResourceDefinitions ({DEFINITION[0]}), not 1"
        )
    (definition,) = found
    try:
        spec, resource = definition["spec"], definition["metadata"]["name"]
        served = [one for one in spec["versions"] if one["served"]]
        written = next((one for one in served if one["storage"]), served[0] if served else None)
        group, scope, kind = spec["group"], spec["scope"], spec["names"]["kind"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"its CustomResourceDefinition lacks {error}") from error
    if written is None or scope != "Namespaced":
        why = "is not namespaced" if written else "serves no version"
        raise ValueError(f"its CustomResourceDefinition {resource} {why}")
    version = f"{group}/{written['name']}"
    examples = [one for one in documents if isinstance(one, dict) and _type(one) == (version, kind)]
    example = {key: value for key, value in (examples or [{}])[0].items() if key != "metadata"}
    alone = {**definition, "spec": {**spec, "conversion": {"strategy": "None"}}}
    return CustomKind(alone, resource, f"/apis/{version}", example)


def _type(document: Mapping[str, Any]) -> tuple[Any, Any]:
    return document.get("apiVersion"), document.get("kind")
