"""Colours and marks of arms: the same on every chart of every run, light and dark."""

from dataclasses import dataclass

from bench.analysis.result import PRESENTATION
from bench.model import NO_SERVER


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a scheme, all different: a drawing's SVG is matched by them.

    ``arms`` are all arms of the document, in the order that decides the colours of those
    without a fixed one. A name that is no arm, as "start of an informer", has the first of these.
    """

    ink: str
    muted: str
    grid: str
    paper: str
    series: tuple[str, ...]
    floor: str
    arms: tuple[str, ...] = ()

    def of(self, arm: str) -> str:
        """Return the colour of ``arm``."""
        index, first = self._index(arm), len(PRESENTATION)
        if index is not None and index >= first:
            index = first + (index - first) % (len(self.series) - first)
        return self.floor if index is None else self.series[index]

    def mark(self, arm: str) -> str:
        """Return the mark of ``arm`` where points are drawn."""
        index = self._index(arm)
        return "x" if index is None else MARKS[index % len(MARKS)]

    def dash(self, arm: str) -> str | tuple[int, tuple[float, ...]]:
        """Return the stroke of ``arm`` where curves are drawn."""
        index = self._index(arm)
        return "dotted" if index is None else DASHES[index % len(DASHES)]

    def _index(self, arm: str) -> int | None:
        """Return the index of ``arm`` among all arms; ``None`` for the arm without a server."""
        if arm == NO_SERVER:
            return None
        if arm in PRESENTATION:
            return PRESENTATION.index(arm)
        others = [name for name in self.arms if name not in (*PRESENTATION, NO_SERVER)]
        return len(PRESENTATION) + (others.index(arm) if arm in others else 0)

    @property
    def variables(self) -> dict[str, str]:
        """Colour -> the name of its CSS variable."""
        names = {self.ink: "ink", self.muted: "muted", self.grid: "grid", self.paper: "paper"}
        numbered = {colour: f"series-{index}" for index, colour in enumerate(self.series)}
        return names | numbered | {self.floor: "series-floor"}


LIGHT = Palette(
    ink="#1b1e23",
    muted="#57606a",
    grid="#d9dde2",
    paper="#fdfdfb",
    series=("#d55e00", "#e09a00", "#0072b2", "#00805e", "#b8578f", "#3d94c9"),
    floor="#8a9099",
)
DARK = Palette(
    ink="#e9ebee",
    muted="#a3adb8",
    grid="#363c44",
    paper="#15181c",
    series=("#ef7f34", "#f0b541", "#4aa5e0", "#2fbf98", "#db8cba", "#86caf0"),
    floor="#8d95a0",
)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", "p", ">", "h")
DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "solid",
    (0, (4.0, 1.6)),
    "solid",
    (0, (1.2, 1.4)),
    (0, (6.0, 1.6, 1.2, 1.6)),
    (0, (2.6, 1.2)),
    (0, (8.0, 2.0)),
)
"""Marks and strokes beside the colours, which distinguish arms without them. There are more than
colours: arms that share a colour have different ones."""
