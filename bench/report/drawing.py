"""Draw charts once, and write them as SVG with the page's colours and as standalone PNG."""

import html
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.transforms import Bbox

from bench.report.charts import Chart, Mark
from bench.report.charts.palette import LIGHT, Palette
from bench.report.document import Document
from bench.report.language import Translate

WIDE_FONTS = ("CJK", "WenQuanYi", "Source Han Sans", "PingFang", "Hiragino", "YaHei", "SimHei")
"""Parts of the names of fonts with Chinese characters."""
PNG_DPI = 150
PNG_PAD_IN, PNG_TITLE_IN = 0.12, 0.3


def style(palette: Palette) -> dict[Any, Any]:
    """Return matplotlib's settings for drawings in the colours of ``palette``."""
    ticks = {"color": palette.muted, "labelsize": 8.5, "major.size": 0, "minor.size": 0}
    return {
        "svg.fonttype": "none",  # text stays text: searchable, and it takes the page's font
        "svg.hashsalt": "informer-bench",  # ids do not change from one rendering to the next
        "text.hinting": "no_hinting",  # slow, and of no use at these sizes
        "text.parse_math": False,  # a dollar sign in a name is a dollar sign
        "font.family": ["sans-serif", *_wide_fonts()],
        "font.size": 9.0,
        "text.color": palette.ink,
        "axes.labelcolor": palette.muted,
        "axes.edgecolor": palette.grid,
        "axes.facecolor": "none",
        "axes.labelsize": 9.0,
        **{f"axes.spines.{side}": False for side in ("top", "right", "left")},
        **{f"{axis}tick.{key}": value for axis in "xy" for key, value in ticks.items()},
        "grid.color": palette.grid,
        "grid.linewidth": 0.6,
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
    }


@cache
def _wide_fonts() -> tuple[str, ...]:
    """Return the machine's fonts of Chinese, Japanese and Korean, recognised by their names."""
    names = sorted({font.name for font in fontManager.ttflist})
    return tuple(name for name in names if any(part in name for part in WIDE_FONTS))


def can_draw(text: str) -> bool:
    """Return whether a picture can show the characters of ``text``."""
    return text.isascii() or bool(_wide_fonts())


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as an ``<svg>`` element for inlining, and as PNG if requested.

    ``marks`` are (per mille from the left, per mille from the top, words).
    """

    svg: str = ""
    png: bytes = b""
    marks: tuple[tuple[int, int, str], ...] = ()


def draw_all(
    document: Document, translate: Translate = str, *, svg: bool = True, png: bool = False
) -> dict[str, Drawing]:
    """Draw every chart that has something to draw, once; return the drawings by name."""
    palette = replace(LIGHT, arms=document.arms)
    return {
        chart.name: draw(chart, palette, translate, svg=svg, png=png)
        for chart in document.charts()
        if chart.draw is not None
    }


def draw(
    chart: Chart,
    palette: Palette = LIGHT,
    translate: Translate = str,
    *,
    svg: bool = True,
    png: bool = False,
) -> Drawing:
    """Draw ``chart``; both forms are of one figure in the light colours.

    ``translate`` translates the texts of the marks, which are made while it is drawn.
    """
    with mpl.rc_context(style(palette)), warnings.catch_warnings():
        # An SVG is set in the page's font, whatever this machine has.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure, marks = figure_of(chart, palette)
        return Drawing(
            _to_svg(figure, chart) if svg else "",
            _to_png(figure, chart) if png else b"",
            tuple(_places(figure, marks, translate)) if svg else (),
        )


def figure_of(chart: Chart, palette: Palette) -> tuple[Figure, Sequence[Mark]]:
    """Return the figure of a chart that has something to draw, inside ``style(palette)``."""
    assert chart.draw is not None, "the chart has nothing to draw"
    figure = Figure(figsize=chart.size_in)
    FigureCanvasAgg(figure)
    return figure, chart.draw(figure, palette)


def _places(
    figure: Figure, marks: Sequence[Mark], translate: Translate
) -> Iterator[tuple[int, int, str]]:
    width, height = figure.get_size_inches() * figure.dpi
    for mark in marks:
        x, y = mark.axes.transData.transform((mark.x, mark.y))
        if 0 <= x <= width and 0 <= y <= height:
            yield round(1000 * x / width), round(1000 * (1 - y / height)), translate(mark.text)


def _to_svg(figure: Figure, chart: Chart) -> str:
    """Return the figure as SVG with unique ids, the page's font and the page's colours."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text, name = buffer.getvalue(), chart.name
    text = text[text.index("<svg") :]
    # A style element would apply to the whole page.
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    colour, names = r"(fill|stroke): (#[0-9a-f]{6})", LIGHT.variables
    text = re.sub(colour, lambda match: f"{match[1]}: var(--{names[match[2]]})", text)
    return _described(text, chart)


def _described(text: str, chart: Chart) -> str:
    """Give the svg element its text alternative, and let it scale with the page."""
    head = chart.head
    attributes = (
        f'role="img" aria-labelledby="{head.name}-title {head.name}-desc" '
        'preserveAspectRatio="xMidYMid meet"'
    )
    box = re.search(r'viewBox="[^"]+"', text)
    body = text[text.index(">") + 1 :]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box.group(0) if box else ""} {attributes}>'
        f'<title id="{head.name}-title">{html.escape(head.title, quote=False)}</title>'
        f'<desc id="{head.name}-desc">{html.escape(head.description, quote=False)}</desc>{body}'
    )


def _to_png(figure: Figure, chart: Chart) -> bytes:
    """Return the figure as PNG on paper, below its title, which the page has beside it."""
    width, height = figure.get_size_inches()
    title = chart.head.title
    figure.text(0.02, 1 + 0.08 / height, title, va="bottom", fontweight="bold", wrap=False)
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format="png",
        dpi=PNG_DPI,
        facecolor=LIGHT.paper,
        bbox_inches=Bbox([[-PNG_PAD_IN, -PNG_PAD_IN], [width + PNG_PAD_IN, height + PNG_TITLE_IN]]),
        metadata={"Title": title, "Software": None},
        pil_kwargs={"compress_level": 3},  # halves the 1.5 s of all charts
    )
    return buffer.getvalue()
