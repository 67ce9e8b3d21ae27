"""Objects of other kinds: their size, and the rate at which churn changes them."""

import json
from collections import Counter

import pytest

from bench.cluster.churn_plan import ChurnPlan
from bench.cluster.objects import (
    ObjectKey,
    draw_objects,
    manifest,
    object_rules,
    objects_argument,
    read_argument,
)
from bench.cluster.pods import draw_pods
from bench.model import Objects
from bench.model.plan import OBJECT_PATHS
from bench.plan.kinds import api_path, custom_kind

SECRETS = Objects("secrets", 30, 400)
WITH_EXAMPLE = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gadgets.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  versions:
    - name: v1alpha1
      served: false
      storage: false
      schema: &schema
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec: {type: object, required: [size], properties: {size: {type: integer}}}
    - name: v1
      served: true
      storage: true
      schema: *schema
---
apiVersion: example.com/v1
kind: Gadget
metadata:
  name: sample
spec:
  size: 3
"""


@pytest.mark.parametrize("resource", OBJECT_PATHS)
def test_an_object_has_about_the_requested_size(resource):
    objects = Objects(resource, 1, 4000)
    (key,) = draw_objects(api_path(objects), 1)
    assert 2900 < len(json.dumps(manifest(key, objects))) < 4500


def test_objects_are_in_the_namespaces_of_the_pods_with_unique_names():
    leases = Objects("leases.coordination.k8s.io", 2)
    paths = [
        key.path for kind in (SECRETS, leases) for key in read_argument(objects_argument(kind))
    ]
    assert 32 == len(set(paths))
    assert "/api/v1/namespaces/checkout/secrets/object-00000" == paths[0]
    assert "/apis/coordination.k8s.io/v1/namespaces/search/leases/object-00001" == paths[-1]


def test_each_kind_is_written_as_often_as_its_share():
    plan = ChurnPlan(draw_pods(1, 70), 1, read_argument(objects_argument(SECRETS)))
    drawn: Counter[bool] = Counter()
    for _ in range(4000):
        kind, key = plan.draw()
        drawn[isinstance(key, ObjectKey)] += 1
        plan.done(kind, key, succeeded=True)
    assert abs(drawn[True] / 4000 - 0.3) < 0.03


def test_without_objects_the_pods_are_written_in_the_order_they_always_were():
    plans = [ChurnPlan(draw_pods(1, 20), 7), ChurnPlan(draw_pods(1, 20), 7, ())]
    default, empty = ([plan.draw() for _ in range(10)] for plan in plans)
    assert default == empty


def test_a_change_differs_from_the_one_before():
    (key,) = draw_objects("/api/v1/configmaps", 1)
    assert key.change(1) != key.change(2)


def test_rules_name_group_and_resource_apart():
    rules = object_rules([SECRETS, Objects("deployments.apps", 1)], "list")
    assert [("", "secrets"), ("apps", "deployments")] == [
        (rule["apiGroups"][0], rule["resources"][0]) for rule in rules
    ]


def test_objects_of_a_users_kind_copy_the_example_and_use_its_version():
    gadgets = Objects("gadgets.example.com", 2, 30, WITH_EXAMPLE)
    key, _ = read_argument(objects_argument(gadgets))
    assert "/apis/example.com/v1/namespaces/checkout/gadgets" == key.collection
    gadget = manifest(key, gadgets)
    assert {"size": 3} == gadget["spec"]
    assert (key.name, 30) == (
        gadget["metadata"]["name"],
        len(gadget["metadata"]["annotations"]["payload"]),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("scope: Namespaced", "scope: Cluster"), "is not namespaced"),
        (("served: true", "served: false"), "serves no version"),
        (("group: example.com", "grop: example.com"), "lacks 'group'"),
        (("kind: CustomResourceDefinition", "kind: Widget"), "holds 0 Custom"),
        (("scope:", "scope: ["), "it is no YAML"),
    ],
)
def test_an_unusable_definition_is_refused_with_the_reason(change, message):
    assert change[0] in WITH_EXAMPLE
    with pytest.raises(ValueError, match=message):
        custom_kind(WITH_EXAMPLE.replace(*change))
