"""Matplotlib figures as inline SVG that follows the page: its colours, its font, its ids."""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
"""Stand-ins for the page's colours: drawn with these, replaced by CSS variables."""
SERIES = ("#050501", "#050502", "#050503", "#050504", "#050505", "#050506")
FLOOR = "#050507"

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PAPER: "--paper",
    **{colour: f"--series-{index}" for index, colour in enumerate(SERIES)},
    FLOOR: "--series-floor",
}

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, and it takes the page's font
    "svg.hashsalt": "informer-bench",  # ids do not change from one rendering to the next
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.labelsize": 9.0,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 9.0,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


@dataclass(frozen=True, slots=True)
class Margins:
    """What is left for names, ticks and headings around the axes, in inches."""

    left: float = 0.42
    right: float = 0.08
    bottom: float = 0.44
    top: float = 0.08


def new_figure(
    width_in: float, height_in: float, margins: Margins | None = None, gap_in: float = 0.0
) -> Figure:
    """Return an empty figure in the page's style; draw on it inside ``mpl.rc_context(STYLE)``.

    Without ``margins`` they are found, by a layout engine that draws everything
    twice. ``gap_in`` is the height between rows of axes.
    """
    figure = Figure(figsize=(width_in, height_in), layout=None if margins else "constrained")
    FigureCanvasSVG(figure)
    if margins is None:
        return figure
    figure.subplots_adjust(
        left=margins.left / width_in,
        right=1 - margins.right / width_in,
        bottom=margins.bottom / height_in,
        top=1 - margins.top / height_in,
        hspace=gap_in / max(height_in / 3, 0.1),
    )
    return figure


def width_of(names: Iterable[str]) -> float:
    """Return the inches that the longest of ``names`` takes at the size of a label, generously."""
    return 0.075 * max((len(name) for name in names), default=0) + 0.1


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Return ``figure`` as an ``<svg>`` element for inlining.

    ``name`` prefixes every id, so that two figures on a page share none. ``title``
    and ``description`` are its text alternative.
    """
    if (kept := _KEPT.get()) is not None:
        kept[name] = (figure, title)
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # A style element would reach the whole page.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    for colour in _VARIABLES:
        text = text.replace(colour, css_colour(colour))
    return _described(text, name, title, description)


def css_colour(stand_in: str) -> str:
    """Return the page's colour for one of this module's stand-ins."""
    return f"var({_VARIABLES[stand_in]})"


def _described(text: str, name: str, title: str, description: str) -> str:
    """Give the svg element its text alternative, and let it scale with the page."""
    attributes = (
        f'role="img" aria-labelledby="{name}-title {name}-desc" preserveAspectRatio="xMidYMid meet"'
    )
    box = re.search(r'viewBox="[^"]+"', text)
    view = box.group(0) if box else ""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {view} {attributes}>'
    body = text[text.index(">") + 1 :]
    return (
        f'{head}<title id="{name}-title">{_escape(title)}</title>'
        f'<desc id="{name}-desc">{_escape(description)}</desc>{body}'
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


Kept = dict[str, tuple[Figure, str]]
"""Figures and their titles, by name."""

_KEPT: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keeping() -> Iterator[Kept]:
    """Also keep every figure that is drawn meanwhile, for other forms than inlined SVG."""
    kept: Kept = {}
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)
