"""A document as one self-contained page: everything inline, nothing fetched, all text escaped."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.report.charts.palette import DARK, LIGHT, Palette
from bench.report.document import Document

if TYPE_CHECKING:
    from bench.report.drawing import Drawing

LINKED = re.IGNORECASE | re.ASCII
"""Flags of the search for terms: Chinese words have no boundaries, English words do."""


def to_html(document: Document, drawings: "Mapping[str, Drawing] | None" = None) -> str:
    """Return the page. A chart without a drawing in ``drawings`` keeps its texts and rows."""
    scripts = [
        *(["calculator.js"] if document.calculator is not None else []),
        *(["page.js"] if drawings else []),
    ]
    script = "".join(_script(name) for name in scripts)
    return _render(
        "page.html.j2",
        document,
        drawings=drawings or {},
        script=Markup(script),
        script_hash=_hash(script),
    )


def to_picture(document: Document) -> bytes:
    """Return the picture as a standalone SVG; empty if the document has none."""
    if not document.picture:
        return b""
    slots = {"alone": True, "lanes": document.picture, "title": document.headline.text}
    return _render("picture.svg.j2", document, **slots).lstrip().encode()


def _render(template: str, document: Document, **slots: object) -> str:
    palette = replace(LIGHT, arms=document.arms)
    return (
        _environment()
        .get_template(template)
        .render(
            document=document,
            prose=_prose(document.glossary),
            colour=lambda arm: f"var(--{palette.variables[palette.of(arm)]})",
            light=_variables(LIGHT),
            dark=_variables(DARK),
            **slots,
        )
    )


def _variables(palette: Palette) -> Markup:
    return Markup(" ".join(f"--{name}: {colour};" for colour, name in palette.variables.items()))


@cache
def _environment() -> Environment:
    """Return jinja2's environment, which escapes everything and refuses unknown names."""
    return Environment(
        loader=PackageLoader("bench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _prose(glossary: Mapping[str, str]) -> Callable[[str], Markup]:
    """Return a filter that escapes a text, marks code in backquotes and links first terms."""
    unused = {term: re.compile(rf"(?<![\w-]){term}s?(?![\w-])", LINKED) for term in glossary}

    def prose(text: str) -> Markup:
        parts = re.split(r"`([^`]+)`", str(escape(text)))
        for term, pattern in [*unused.items()] if text not in glossary.values() else []:
            parts[0], count = pattern.subn(partial(_link, term), parts[0], count=1)
            if count:
                del unused[term]
                break  # a second term might stand inside the link
        codes = (f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
        return Markup("".join(codes))

    return prose


def _link(term: str, match: re.Match[str]) -> str:
    return f'<a class="term" href="#term-{term.replace(" ", "-")}">{match[0]}</a>'


@cache
def _script(name: str) -> str:
    """Return the source of a script of the page."""
    file = resources.files("bench.report") / "templates" / name
    return file.read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return the source by which the page's Content Security Policy allows ``script`` alone."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
