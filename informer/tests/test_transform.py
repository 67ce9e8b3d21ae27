"""Transforms: before storing, and what happens when one is wrong."""

from typing import Any

import pytest

from informer.tests.shapes import cached, pod
from kube_informer.errors import TransformError
from kube_informer.transform import drop_managed_fields, transforming


def test_managed_fields_are_dropped_and_the_rest_stays():
    item = cached("x", 3, managedFields=[{"manager": "kubectl"}], labels={"app": "x"})
    after = transforming(drop_managed_fields)(item)
    assert pod("x", 3, labels={"app": "x"}) == after.decode()
    assert {"app": "x"} == dict(after.labels)


def test_an_object_without_managed_fields_stays_as_it_is():
    assert pod("x", 3) == transforming(drop_managed_fields)(cached("x", 3)).decode()


def test_a_transform_that_raises_is_named_with_the_object():
    def fails(obj: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("spec")

    with pytest.raises(TransformError, match=r"transform fails raised KeyError\('spec'\) on a/x"):
        transforming(fails)(cached("x", 3))


def test_a_transform_that_returns_nothing_is_named_with_the_object():
    def forgets(obj: dict[str, Any]) -> None:
        obj.pop("spec")

    with pytest.raises(TransformError, match="transform forgets returned NoneType for a/x"):
        transforming(forgets)(cached("x", 3))


@pytest.mark.parametrize("spoil", ["name", "resourceVersion", "namespace"])
def test_a_transform_must_not_change_the_identity_of_an_object(spoil):
    def renames(obj: dict[str, Any]) -> dict[str, Any]:
        obj["metadata"][spoil] = "9"
        return obj

    with pytest.raises(TransformError, match="another name or resourceVersion"):
        transforming(renames)(cached("x", 3))


def test_a_transform_must_return_valid_json():
    def spoils(obj: dict[str, Any]) -> dict[str, Any]:
        return obj | {"spec": object()}

    with pytest.raises(TransformError, match="spoilt a/x"):
        transforming(spoils)(cached("x", 3))
