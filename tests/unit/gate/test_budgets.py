"""Request budgets on the advice of an audit log, through the command line."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bench.advise.advise
from bench.cli import main
from bench.microbench.audit_log import FORMATS, planted

BUDGETS = """
name = "reads"
description = "What may be asked."

[[budgets]]
name = "the broken operator lists secrets once"
client = "system:serviceaccount:ops:b*"
resource = "secrets"
verb = "list"
at_most = {secrets}

[[budgets]]
name = "few gets"
verb = "get"
per = "hour"
at_most = {gets}
"""


@pytest.fixture(autouse=True, scope="module")
def without_prices() -> Iterator[None]:
    """A budget is about counts: no run is analysed for their costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.advise.advise, "default_unit_costs", lambda: Path("no-run"))
        yield


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("advice")
    (folder / "audit.log").write_bytes(b"".join(FORMATS["kubernetes"](planted(600.0))))
    assert 0 == main(["advise", str(folder / "audit.log"), "--reports", str(folder)])
    return folder / "advise"


@pytest.fixture(scope="module")
def anonymous(reports: Path) -> Path:
    log, folder = str(reports.parent / "audit.log"), reports.parent / "anonymous"
    assert 0 == main(["advise", log, "--anonymous", "--reports", str(folder)])
    return folder / "advise"


def test_a_run_that_is_named_has_the_prices(reports: Path, tmp_path: Path) -> None:
    log = str(reports.parent / "audit.log")
    assert 0 == main(["advise", log, "--unit-costs", "sweep", "--reports", str(tmp_path)])
    assert [] == [client["cpu"] for client in clients(reports) if client["cpu"] is not None]
    assert any(client["cpu"] is not None for client in clients(tmp_path / "advise"))


def clients(reports: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((reports / "advice.json").read_text())["clients"]
    return rows


def judged(reports: Path, text: str) -> int:
    rules = reports / "budgets.toml"
    rules.write_text(text)
    return main(["gate", str(reports / "advice.json"), "--rules", str(rules)])


@pytest.mark.parametrize(
    ("secrets", "gets", "code"),
    [(20, 10_000, 0), (19, 10_000, 10), (20, 10, 10)],
)
def test_a_budget_is_kept_or_exceeded(
    reports: Path, secrets: int, gets: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == judged(reports, BUDGETS.format(secrets=secrets, gets=gets))
    assert "system:serviceaccount:ops:broken" in capsys.readouterr().out


def test_names_the_line_of_a_wrong_key(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == judged(reports, BUDGETS.format(secrets=1, gets=1).replace("verb", "werb", 1))
    assert "budgets.toml:9: a budget has no key 'werb' (the nearest is 'verb')" in " ".join(
        capsys.readouterr().err.split()
    )


def test_asks_for_budgets_where_rules_are_named(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["gate", str(reports / "advice.json")])
    assert "[[budgets]], named by --rules" in " ".join(capsys.readouterr().err.split())


def test_a_log_without_reads_is_invalid(tmp_path: Path) -> None:
    writes = [line for line in planted(60.0) if line["verb"] == "patch"]
    log = tmp_path / "audit.log"
    log.write_bytes(b"".join(FORMATS["kubernetes"](writes)))
    assert 0 == main(["advise", str(log), "--reports", str(tmp_path)])
    assert 12 == judged(tmp_path / "advise", BUDGETS.format(secrets=1, gets=1))


def test_says_that_no_client_of_the_log_fits(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == judged(reports, BUDGETS.format(secrets=0, gets=10_000).replace("ops:b*", "gone"))
    assert "no client in the log matches" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("client", "resource", "code"),
    [
        ("system:serviceaccount:ops:b*", "secrets", 12),
        ("system:kube-scheduler", "secrets", 0),
        ("client-*", "pod?", 10),
        ("client-*", "gadgets.shop.example", 12),
        ("*", "*", 10),
    ],
)
def test_names_are_no_budget_of_anonymous_advice(
    anonymous: Path, client: str, resource: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = BUDGETS.format(secrets=0, gets=10_000).replace("system:serviceaccount:ops:b*", client)
    assert code == judged(anonymous, text.replace('"secrets"', f'"{resource}"'))
    reason = "these budgets are for names: the broken operator lists secrets once"
    assert (code == 12) is (reason in " ".join(capsys.readouterr().out.split()))


@pytest.mark.parametrize(
    ("replaced", "kept", "reason"),
    [((b"2026-", b"soon "), 1.0, "has a time"), ((b"", b""), 0.5, "The log was cut short")],
)
def test_a_log_without_times_or_end_is_invalid(
    tmp_path: Path,
    replaced: tuple[bytes, bytes],
    kept: float,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = b"".join(FORMATS["kubernetes"](planted(60.0))).replace(*replaced)
    packed = gzip.compress(lines)
    log = tmp_path / "audit.log.gz"
    log.write_bytes(packed[: int(len(packed) * kept)])
    assert 0 == main(["advise", str(log), "--reports", str(tmp_path)])
    assert 12 == judged(tmp_path / "advise", BUDGETS.format(secrets=1_000, gets=1_000_000))
    assert reason in " ".join(capsys.readouterr().out.split())
    (verdict,) = tmp_path.rglob("gate-reads.json")
    assert reason in " ".join(json.loads(verdict.read_text())["reasons"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["gone.log"], "there is no gone.log"),
        (["README.md"], "is from an audit log"),
        (["README.md", "--counts", "LICENSE"], "LICENSE names no count"),
        (["README.md", "--unit-costs", "gone"], "gone"),
        (["README.md", "--key", "a"], "--key goes with --anonymous"),
    ],
)
def test_wrong_arguments_of_advise_end_in_one_line(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert 2 == main(["advise", *arguments, "--reports", str(tmp_path)])
    assert error in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("option", ["--buy", "--unlike-environments", "--load-within=5"])
def test_options_of_a_run_are_refused(
    reports: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["gate", str(reports / "advice.json"), option])
    assert "load options are for a run" in " ".join(capsys.readouterr().err.split())
