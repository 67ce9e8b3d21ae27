"""A document as one self-contained page: everything inline, nothing fetched, all text escaped."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.report.charts.palette import DARK, LIGHT, css_colour
from bench.report.document import Calculator, Document, Fold, Part, Section

if TYPE_CHECKING:
    from bench.report.drawing import Drawing


def to_html(document: Document, drawings: "Mapping[str, Drawing] | None" = None) -> str:
    """Return the page. ``drawings`` are of the document's charts; others keep words and rows."""
    calculator = next(_calculators(document.sections), None)
    script = _script() if calculator is not None else ""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            drawings={name: Markup(one.svg) for name, one in (drawings or {}).items()},
            colour=lambda arm: css_colour(arm, document.arms),
            light=_variables(LIGHT.variables),
            dark=_variables({d: LIGHT.variables[li] for d, li in _pairs()}),
            script=Markup(script),
            script_hash=_hash(script),
        )
    )


def _calculators(parts: tuple[Part | Section, ...]) -> Iterator[Calculator]:
    for part in parts:
        if isinstance(part, Calculator):
            yield part
        elif isinstance(part, Section | Fold):
            yield from _calculators(part.parts)


def _pairs() -> list[tuple[str, str]]:
    return list(zip(DARK.variables, LIGHT.variables, strict=True))


def _variables(names: Mapping[str, str]) -> Markup:
    return Markup(" ".join(f"--{name}: {colour};" for colour, name in names.items()))


@cache
def _environment() -> Environment:
    """Return jinja2 set to escape everything and to refuse names it does not know."""
    environment = Environment(
        loader=PackageLoader("bench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = _prose
    return environment


def _prose(text: str) -> Markup:
    """Escape ``text``; what stands between two backquotes is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def _script() -> str:
    """Return the calculator's script, as it stands in the page."""
    file = resources.files("bench.report") / "templates" / "calculator.js"
    return file.read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return what the page's policy must name for ``script`` to run, and nothing else."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
