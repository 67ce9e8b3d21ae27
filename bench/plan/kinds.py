"""Kinds of objects beside pods: a few of Kubernetes, and custom kinds of the user.

A custom kind comes as YAML: its CustomResourceDefinition and, if its schema requires
more than metadata, an object of the kind as a template for all others.
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
    """The CustomResourceDefinition, without its conversion webhook, which nobody would answer."""
    resource: str
    """Resource with its group."""
    root: str
    """Path of the version to write: ``/apis/<group>/<version>``."""
    example: Mapping[str, Any]
    """Fields of its objects besides metadata."""


def api_path(objects: Objects) -> str:
    """Return the API path of all objects of the kind; raises ``ValueError``."""
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
            "and custom ones with a CustomResourceDefinition"
        )
    return f"{root}/{objects.resource.partition('.')[0]}"


@cache
def custom_kind(text: str) -> CustomKind:
    """Read a CustomResourceDefinition, and an object of its kind; raises ``ValueError``."""
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {error}") from error
    definitions = [doc for doc in documents if isinstance(doc, dict) and _type(doc) == DEFINITION]
    if len(definitions) != 1:
        raise ValueError(
            f"it holds {len(definitions)} CustomResourceDefinitions ({DEFINITION[0]}), not 1"
        )
    (definition,) = definitions
    try:
        spec, resource = definition["spec"], definition["metadata"]["name"]
        served = [version for version in spec["versions"] if version["served"]]
        written = next((item for item in served if item["storage"]), served[0] if served else None)
        group, scope, kind = spec["group"], spec["scope"], spec["names"]["kind"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"its CustomResourceDefinition lacks {error}") from error
    if written is None or scope != "Namespaced":
        flaw = "is not namespaced" if written else "serves no version"
        raise ValueError(f"its CustomResourceDefinition {resource} {flaw}")
    api_version = f"{group}/{written['name']}"
    examples = [
        doc for doc in documents if isinstance(doc, dict) and _type(doc) == (api_version, kind)
    ]
    example = {key: value for key, value in (examples or [{}])[0].items() if key != "metadata"}
    without_webhook = {**definition, "spec": {**spec, "conversion": {"strategy": "None"}}}
    return CustomKind(without_webhook, resource, f"/apis/{api_version}", example)


def _type(document: Mapping[str, Any]) -> tuple[Any, Any]:
    return document.get("apiVersion"), document.get("kind")
