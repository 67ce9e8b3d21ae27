"""Samples of an existing cluster that may be stored."""

import pytest

from bench.metrics import METRICS
from bench.probes.confidential import may_be_kept


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("process_cpu_seconds_total", {}),
        ("apiserver_request_total", {"verb": "LIST", "group": "", "resource": "pods"}),
        ("apiserver_flowcontrol_rejected_requests_total", {"priority_level": "workload-low"}),
        ("etcd_requests_total", {"operation": "get", "group": "", "resource": "pods"}),
    ],
)
def test_a_sample_that_every_cluster_has_is_kept(name: str, labels: dict[str, str]) -> None:
    assert may_be_kept(name, labels)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("apiserver_request_total", {"group": "acme.example.com", "resource": "rockets"}),
        ("apiserver_request_total", {"group": "", "resource": "secrets"}),
        ("apiserver_flowcontrol_rejected_requests_total", {"priority_level": "acme-ci"}),
        ("apiserver_flowcontrol_work_estimated_seats_sum", {"flow_schema": "acme-ci"}),
        ("apiserver_admission_webhook_request_total", {"name": "validate.acme.example.com"}),
        ("apiserver_request_total", {"a_label_of_tomorrow": "x"}),
        ("authenticated_user_requests", {"username": "other"}),
    ],
)
def test_a_sample_with_a_private_name_is_not_kept(name: str, labels: dict[str, str]) -> None:
    assert not may_be_kept(name, labels)


def test_every_counter_that_a_figure_needs_may_be_kept_and_nothing_else() -> None:
    needed = {name for metric in METRICS if metric.counter for name in metric.counter.names}
    assert needed
    assert set() == {name for name in needed if not may_be_kept(name, {})}
    assert not may_be_kept("apiserver_response_sizes_bucket", {})
