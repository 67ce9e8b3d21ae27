"""The page's charts as PNG, in its light colours, for places that take no inlined SVG."""

import io
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.report.svg import FLOOR, GRID, INK, MUTED, PAPER, SERIES, STYLE

DPI = 200
SERIES_COLOURS = ("#d55e00", "#e09a00", "#0072b2", "#00805e", "#b8578f", "#3d94c9")
COLOURS: Mapping[str, str] = {
    INK: "#1b1e23",
    MUTED: "#57606a",
    GRID: "#d9dde2",
    PAPER: "#fdfdfb",
    FLOOR: "#8a9099",
    **dict(zip(SERIES, SERIES_COLOURS, strict=True)),
}
"""The page's light colours for its stand-ins; a test holds them to its style file."""
PROPERTIES = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


def to_png(figure: Figure, title: str) -> bytes:
    """Return ``figure``, drawn with the page's stand-in colours, in the colours themselves.

    The page says a chart's title beside it; here it stands above. The figure cannot be
    used as SVG afterwards.
    """
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.text(0.02, 1.02, title, va="bottom", fontweight="bold", color=INK)
        for artist in figure.findobj():
            _recolour(artist)
        FigureCanvasAgg(figure)
        figure.savefig(
            buffer,
            format="png",
            dpi=DPI,
            facecolor=COLOURS[PAPER],
            bbox_inches="tight",
            pad_inches=0.12,
            metadata={"Title": title, "Software": None},
        )
    return buffer.getvalue()


def _recolour(artist: Artist) -> None:
    if isinstance(artist, Text) and (box := artist.get_bbox_patch()) is not None:
        _recolour(box)
    for name in PROPERTIES:
        get = getattr(artist, f"get_{name}", None)
        put = getattr(artist, f"set_{name}", None)
        if get is None or put is None:
            continue
        colours = _coloured(get())
        if colours is not None:
            put(colours)


def _coloured(found: object) -> object | None:
    """Return ``found`` with stand-ins replaced; ``None`` when there is none in it."""
    if found is None or (isinstance(found, str) and found in ("none", "auto")):
        return None
    try:
        rows = to_rgba_array(found)  # type: ignore[arg-type]  # what an artist says of itself
    except (TypeError, ValueError):
        return None  # no colour, whatever its name
    replaced = [COLOURS.get(to_hex(row)) for row in rows]
    if not any(replaced):
        return None
    changed = [
        (*to_rgba(new)[:3], float(row[3])) if new else tuple(float(part) for part in row)
        for row, new in zip(rows, replaced, strict=True)
    ]
    return changed[0] if np.ndim(found) < 2 else changed  # type: ignore[arg-type]
