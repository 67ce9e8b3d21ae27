"""Redaction removes private parts of a text and leaves the rest."""

import tempfile
from pathlib import Path

import pytest

from bench.store.redaction import redact

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "redacted"),
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
def test_a_private_part_is_replaced_by_its_kind(text: str, redacted: str) -> None:
    assert redacted == redact(text, host="worker-3")


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
def test_a_text_without_private_parts_stays(text: str) -> None:
    assert text == redact(text, host="worker-3")
