"""One self-contained HTML page of a run, made from its files alone."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from bench.analysis.faulttrial import AFTER_S
from bench.analysis.replicas import replica_groups
from bench.analysis.run import RunAnalysis, ScenarioAnalysis, analyse
from bench.model import CaveatKind, RunState
from bench.report import tables
from bench.report.answer import Verdict, verdicts, void_title
from bench.report.askers import asker_rows
from bench.report.breakeven import break_even_section
from bench.report.chart import Chart
from bench.report.charts.palette import colour_of
from bench.report.controls import ControlRow, control_rows
from bench.report.faults import fault_sections, headline
from bench.report.figures import MOST_SCENARIOS, charts, of_run, timelines_of
from bench.report.footnotes import Note, general, notes_of
from bench.report.jinja import strict_environment
from bench.report.load_workers import worker_rows
from bench.report.noise import noise
from bench.report.readpaths import read_path_sections
from bench.report.replicas import replica_sections
from bench.report.summit import Summit, summit
from bench.report.svg import css_colour
from bench.report.versions import version_sections
from bench.store import RunReader

PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class Section:
    """One scenario of the page."""

    anchor: str
    analysis: ScenarioAnalysis
    verdict: Verdict
    groups: tuple[tables.Group, ...]
    charts: tuple[Chart, ...]
    timelines: tuple[Chart, ...]
    controls: tuple[ControlRow, ...]
    notes: tuple[Note, ...]
    colours: dict[str, str]
    """CSS colour by server."""


def render(reader: RunReader, out_dir: Path, analysis: RunAnalysis | None = None) -> Path:
    """Write ``index.html`` of the run into ``out_dir`` and return its path.

    ``analysis`` is the run's, from who has it already.

    Any run that can be read gives a page: what an incomplete run, a failed trial
    or a missing arm leaves out is said on it. Raises ``StoreError`` when a file
    of the run is damaged.
    """
    page = to_html(analysis or analyse(reader), reader)
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / PAGE
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)
    return path


def to_html(analysis: RunAnalysis, reader: RunReader | None = None) -> str:
    """Return the page; every text is escaped, the charts' own markup apart.

    ``reader`` is of the same run: the charts of single seconds are drawn from rows
    that no figure keeps, and are left out without it.
    """
    breakeven = break_even_section(analysis)
    faults_headline = headline(analysis)
    sections = [
        _section(index, scenario, verdict, analysis, reader)
        for index, (scenario, verdict) in enumerate(
            zip(analysis.scenarios, verdicts(analysis), strict=True)
        )
    ]
    return (
        template_environment()
        .get_template("report.html.j2")
        .render(
            analysis=analysis,
            record=analysis.record,
            plan=analysis.record.plan,
            environment=analysis.record.environment,
            state=_state(analysis),
            voids=_voids(analysis),
            quotable=all(caveat.kind is CaveatKind.RUN_INCOMPLETE for caveat in analysis.voids),
            general=[one for one in general(analysis.caveats) if one not in analysis.voids],
            summit=_summit(analysis, sections),
            versions=version_sections(analysis.versions),
            read_paths=read_path_sections(analysis.matrices, _places(sections)),
            run_charts=of_run(analysis),
            sections=sections,
            breakeven=breakeven,
            replica_sections=replica_sections(replica_groups(analysis.record.plan, analysis.facts)),
            script_hash=_script_hash(breakeven.script),
            faults=fault_sections(analysis, reader),
            faults_headline=faults_headline,
            faults_lead_is_answer=not analysis.scenarios,
            faults_after_s=AFTER_S,
            equality=analysis.equality,
            ledgers=tables.ledgers(analysis.facts),
            askers=asker_rows(analysis),
            trials=tables.trials(analysis),
            load_workers=worker_rows(analysis),
            noise=noise(analysis),
            sources=tables.sources(),
        )
    )


def template_environment() -> Environment:
    """Return jinja2 over the page's templates."""
    environment = strict_environment("bench.report")
    # Only svg drawn here, and style files of our own, pass unescaped.
    environment.filters["drawn"] = Markup
    return environment


def _section(
    index: int,
    scenario: ScenarioAnalysis,
    verdict: Verdict,
    analysis: RunAnalysis,
    reader: RunReader | None,
) -> Section:
    anchor = f"s{index}"
    servers = [arm.server for arm in scenario.arms]
    notes = notes_of(analysis.caveats, scenario.scenario.name, servers)
    drawn = bool(scenario.arms) and index < MOST_SCENARIOS
    return Section(
        anchor=anchor,
        analysis=scenario,
        verdict=verdict,
        groups=tuple(tables.headline(scenario, notes)) if scenario.arms else (),
        charts=tuple(charts(scenario, anchor)) if drawn else (),
        timelines=tuple(timelines_of(scenario, reader, anchor)) if drawn and reader else (),
        controls=tuple(control_rows(scenario, anchor)),
        notes=tuple(notes),
        colours={server: css_colour(colour_of(server, servers)) for server in servers},
    )


def _summit(analysis: RunAnalysis, sections: list[Section]) -> Summit | None:
    return summit(analysis, _places(sections))


def _places(sections: list[Section]) -> dict[str, tuple[str, tuple[Note, ...]]]:
    """Return the anchor and the footnotes of each scenario's section, by its name."""
    return {section.analysis.scenario.name: (section.anchor, section.notes) for section in sections}


def _script_hash(script: str) -> str:
    """Return what the page's policy must name for ``script`` to run, and nothing else."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _state(analysis: RunAnalysis) -> str:
    made, planned = len(analysis.trials), analysis.record.trials_planned
    word = "complete" if analysis.record.state is RunState.COMPLETE else "incomplete"
    return f"{word}, {made} of {planned} trials"


def _voids(analysis: RunAnalysis) -> list[tuple[str, list[str]]]:
    """Group what voids the run by kind, each place named."""
    grouped: dict[CaveatKind, list[str]] = {}
    for caveat in analysis.voids:
        where = [part for part in (caveat.scenario, caveat.server) if part]
        if caveat.round is not None:
            where.append(f"round {caveat.round}")
        text = f"{', '.join(where)}: {caveat.text}" if where else caveat.text
        grouped.setdefault(caveat.kind, []).append(text)
    return [(void_title(kind), texts) for kind, texts in grouped.items()]
