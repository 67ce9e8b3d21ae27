"""Parse Prometheus text."""

import pytest

from bench.probes.metrics import MetricsError, ScrapeRow, parse_metrics

TEXT = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{verb="GET",code="200"} 3
requests_total{code="404",verb="GET"} 2
# TYPE seconds histogram
seconds_bucket{le="1"} 1
seconds_bucket{le="+Inf"} 2
seconds_sum 2.5
seconds_count 2
# TYPE quoted gauge
quoted{text="a \\"b\\" \\\\ c"} 1e+06
"""


def test_a_series_is_one_row_with_its_labels_in_order() -> None:
    rows = parse_metrics(TEXT, mark="begin", source="apiserver")
    assert ScrapeRow("begin", "apiserver", "requests_total", 'code="200",verb="GET"', 3.0) in rows
    assert ScrapeRow("begin", "apiserver", "requests_total", 'code="404",verb="GET"', 2.0) in rows


def test_buckets_are_left_out_and_sums_and_counts_kept() -> None:
    names = [row.name for row in parse_metrics(TEXT, mark="end", source="etcd")]
    assert "seconds_bucket" not in names
    assert {"seconds_sum", "seconds_count"} <= set(names)


def test_text_that_is_no_metrics_is_refused_with_its_source() -> None:
    with pytest.raises(MetricsError, match="metrics of etcd"):
        parse_metrics("<html>no</html> {", mark="end", source="etcd")
