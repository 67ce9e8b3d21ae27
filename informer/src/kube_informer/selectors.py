"""Selectors of both kinds, in one place to import from."""

from kube_informer.errors import SelectorError
from kube_informer.field_selector import (
    METADATA_FIELDS,
    NO_FIELDS,
    POD_FIELDS,
    FieldSelector,
    parse_field_selector,
)
from kube_informer.label_selector import EVERYTHING, LabelSelector, parse_label_selector

__all__ = [
    "EVERYTHING",
    "METADATA_FIELDS",
    "NO_FIELDS",
    "POD_FIELDS",
    "FieldSelector",
    "LabelSelector",
    "SelectorError",
    "parse_field_selector",
    "parse_label_selector",
]
