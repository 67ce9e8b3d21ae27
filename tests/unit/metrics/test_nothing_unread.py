"""Every public field that the analysis computes is read by a renderer."""

import ast
import re
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import pytest

import bench
from bench.analysis import cost_model, faults, latency, request_bill, requests, result
from bench.stats import Estimate

ROOT = Path(bench.__file__).parent
WHOLE = {faults.FaultRound, requests.ReplicaRequests, result.TrialLine}
"""Classes of which a table of CSV has every field, by their names alone."""
INNER = {latency.Latencies, faults.FaultTrial, request_bill.Recovery, requests.ReplicaLedgers}
"""What the analysis itself is made from; no part of the document."""
NOT_SHOWN = {
    ("RunAnalysis", "summary_schema"): "what a reader of the file decides by",
    ("CostRow", "window_rps"): "what the ranges of the model are taken from",
    ("Figure", "exposure"): "with the events, what the gate takes Poisson bounds from",
    ("Question", "lifetime_s"): "what the calculator asks for",
}
"""Fields that no sentence, table or chart needs, and why they are kept."""


def document_classes():
    for module in (result, cost_model, faults, latency, request_bill, requests):
        for member in vars(module).values():
            is_own = getattr(member, "__module__", None) == module.__name__
            if is_own and is_dataclass(member) and member not in INNER:
                yield member


@cache
def read_by_renderers():
    """Names of all attributes that report, gate or a template reads."""
    names = set()
    for room in ("report", "gate"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute):
                    names.add(node.attr)
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    names.add(node.value)
        for path in (ROOT / room).rglob("*.j2"):
            names |= set(re.findall(r"\.(\w+)", path.read_text()))
    return names


@pytest.mark.parametrize("kind", list(document_classes()), ids=lambda kind: kind.__name__)
def test_every_field_of_the_document_is_read(kind):
    read = read_by_renderers()
    names = {field.name for field in fields(kind)} if kind not in WHOLE else set()
    excused = {name for owner, name in NOT_SHOWN if owner == kind.__name__}
    assert set() == names - read - excused


def test_every_part_of_an_estimate_is_read():
    # n, the rounds, is for readers of the file
    assert set() == set(Estimate.__struct_fields__) - {"n"} - read_by_renderers()


def test_classes_that_are_written_whole_are_named_in_a_renderer():
    read = read_by_renderers() | {
        node.id
        for path in (ROOT / "report").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name)
    }
    assert set() == {kind.__name__ for kind in WHOLE} - read
