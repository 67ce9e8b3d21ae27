"""What may not be kept is taken out of texts, and the rest is left to be understood."""

import tempfile
from pathlib import Path

import pytest

from bench.store.redaction import redact

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer <redacted>"),
        (f"token={TOKEN}", "token=<redacted>"),
        ("basic dXNlcjpwYXNz was refused", "basic <redacted> was refused"),
        (
            "GET https://prod-7.example.com:6443/api/v1/pods: 503",
            "GET https://<address>/api/v1/pods: 503",
        ),
        ("dial tcp 10.1.2.3:6443: refused", "dial tcp <address>: refused"),
        ("dial tcp [::1]:6443: refused", "dial tcp <address>: refused"),
        ("worker-3 is out of memory", "<host> is out of memory"),
        (f"cannot read {Path.home()}/.kube/config", "cannot read <folder>/.kube/config"),
        (f"cannot read {tempfile.gettempdir()}/x/token", "cannot read <folder>/x/token"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nand more",
            "<redacted>\nand more",
        ),
    ],
)
def test_what_tells_where_or_as_whom_is_replaced_by_its_kind(said: str, kept: str) -> None:
    assert kept == redact(said, host="worker-3")


@pytest.mark.parametrize(
    "text",
    [
        "informer was killed by SIGKILL; it logged nothing",
        "GET /pods/checkout/cart-1: status 503",
        "Kubernetes 1.37.2, etcd 3.7.0",
        "the list holds 400 entries, 1000 at first",
        "localhost, and worker-30 and a-worker-3",
    ],
)
def test_what_says_what_failed_stays(text: str) -> None:
    assert text == redact(text, host="worker-3")
