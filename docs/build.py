"""Make every generated file of this folder: ``make docs``.

``python -m bench docs`` gives the reference pages, the import contracts in pyproject.toml the
picture of the rooms, and a run of the notebook its outputs.
"""

import ast
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from textwrap import wrap
from typing import Any
from xml.sax.saxutils import escape

from bench.cli.docs import PAGES

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

STYLE = """
:root { --paper: #fff; --box: #f3f4f2; --ink: #1c1f23; --muted: #565d66; --seam: #a3260f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --box: #1e2227; --ink: #e7e9ea; --muted: #a3abb3; --seam: #ff9c85; }
}
svg { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.paper { fill: var(--paper); }
.room { fill: var(--box); stroke: var(--muted); }
.house { fill: none; stroke: var(--muted); stroke-dasharray: 2 3; }
.arrow { fill: none; stroke: var(--ink); stroke-width: 1.5; marker-end: url(#tip); }
.tip { fill: var(--ink); }
.seam { fill: none; stroke: var(--seam); stroke-width: 2; stroke-dasharray: 8 4; }
text { fill: var(--ink); }
.name { font-size: 14px; font-weight: 650; }
.side { fill: var(--muted); }
.below { fill: var(--seam); font-weight: 650; }
"""
WIDTH, HOUSE, GAP, MARGIN = 1040, 740, 8, 20
PER_CHARACTER = 5.9
"""Width of a letter, on average."""
TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker>'
)


def layers(contracts: Sequence[Mapping[str, Any]], container: str) -> list[list[str]]:
    """Return the rooms of ``container``, layer by layer from the top."""
    rows = next(item["layers"] for item in contracts if item.get("containers") == [container])
    return [[room.strip(" ()") for room in layer.split("|")] for layer in rows]


def duty(module: str) -> str:
    """Return the first line of a module's docstring."""
    path = ROOT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text())) or "").splitlines()[0].rstrip(".")


def text(kind: str, x: float, y: float, content: str) -> str:
    """Return a line of text as SVG."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(content)}</text>'


def frame(kind: str, x: float, y: float, width: float, height: float) -> str:
    """Return a rectangle as SVG."""
    return (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'
    )


def row(x: float, y: float, width: float, rooms: Mapping[str, str]) -> tuple[list[str], float]:
    """Return the rooms of a layer as SVG, each with its duty, and their height."""
    room_width = (width - GAP * (len(rooms) - 1)) / len(rooms)
    characters = int((room_width - 20) / PER_CHARACTER)
    duties = [wrap(words.replace("`", ""), characters) for words in rooms.values()]
    height = 28 + 15 * max(map(len, duties))
    parts = []
    for column, (name, lines) in enumerate(zip(rooms, duties, strict=True)):
        left = x + column * (room_width + GAP)
        parts += [
            frame("room", left, y, room_width, height),
            text("name", left + 10, y + 18, name),
            *(
                text("about", left + 10, y + 34 + 15 * number, line)
                for number, line in enumerate(lines)
            ),
        ]
    return parts, height


def house(y: float, contracts: Sequence[Mapping[str, Any]]) -> tuple[list[str], float, float]:
    """Return the rooms of ``bench/`` as SVG, the height of the seam, and that of their end."""
    below = next(item for item in contracts if item["name"].startswith("below the seam"))
    parts, seam = [], 0.0
    for names in layers(contracts, "bench"):
        if not seam and {f"bench.{name}" for name in names} & set(below["source_modules"]):
            seam, y = y + 10, y + 28
        rooms = {name: duty(f"bench.{name}") for name in names}
        drawn, height = row(MARGIN + 10, y, HOUSE - 20, rooms)
        parts += drawn
        y += height + GAP
    return parts, seam, y


def picture(pyproject: str) -> str:
    """Return the rooms as SVG, drawn from the import contracts of ``pyproject``."""
    contracts = tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"]
    top, edge, beside = 20, MARGIN + HOUSE, MARGIN + HOUSE + 30
    rooms, seam, end = house(top + 34, contracts)
    servers, height = row(
        beside, top + 90, WIDTH - MARGIN - beside, {"servers/: the measured": duty("servers")}
    )
    library, floor = row(
        MARGIN,
        end + 24,
        WIDTH - 2 * MARGIN,
        {"informer/: the library": duty("informer.src.kube_informer")},
    )
    bottom = end + 24 + floor + MARGIN
    under = top + 90 + height
    parts = [
        frame("house", MARGIN, top, HOUSE, end - top),
        text("name", MARGIN + 10, top + 22, "bench/: the measurer"),
        text(
            "side", 230, top + 22, "A room imports from rooms below it, never from above or beside."
        ),
        *rooms,
        f'<path class="seam" d="M{MARGIN} {seam:g}H{edge + 20}"/>',
        text("below", beside, seam + 4, "results/: the seam"),
        text("side", beside, seam + 22, "Below it: files alone,"),
        text("side", beside, seam + 37, "no cluster and no network."),
        *servers,
        f'<path class="arrow" d="M{edge} {top + 110}H{beside - 2}"/>',
        text("side", beside, top + 48, "Started as processes, asked by HTTP;"),
        text("side", beside, top + 63, "neither imports the other."),
        *library,
        f'<path class="arrow" d="M{edge / 2:g} {end:g}V{end + 22:g}"/>',
        f'<path class="arrow" d="M{WIDTH - 40} {under:g}V{end + 22:g}"/>',
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom:g}" role="img">',
            "<title>The rooms of the project, from the command line down to the model</title>",
            f"<style>{STYLE}</style>",
            TIP,
            frame("paper", 0, 0, WIDTH, bottom),
            *parts,
            "</svg>\n",
        ]
    )


def executed(text: str) -> tuple[str, dict[str, Any]]:
    """Run a notebook in this folder; return it with its outputs, and the names that it defined."""
    notebook = json.loads(text)
    names: dict[str, Any] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    with chdir(DOCS):
        for count, cell in enumerate(cells, 1):
            program = ast.parse("".join(cell["source"]))
            last = program.body.pop() if isinstance(program.body[-1], ast.Expr) else None
            exec(compile(program, f"cell {count}", "exec"), names)
            cell |= {"execution_count": count, "outputs": []}
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), names)
                cell["outputs"].append(_output(value, count))
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", names


def _output(value: Any, count: int) -> dict[str, Any]:  # noqa: ANN401 - the last value of a cell
    forms = {"text/plain": repr(value)}
    if hasattr(value, "_repr_html_"):
        forms = {"text/html": value._repr_html_(), **forms}
    return {
        "data": {form: shown.splitlines(keepends=True) for form, shown in forms.items()},
        "execution_count": count,
        "metadata": {},
        "output_type": "execute_result",
    }


FILES: Mapping[str, Callable[[], str]] = {
    **PAGES,
    "rooms.svg": lambda: picture((ROOT / "pyproject.toml").read_text()),
    "results.ipynb": lambda: executed((DOCS / "results.ipynb").read_text())[0],
}
"""The generated files, and the functions that make their content."""

if __name__ == "__main__":
    for name, content in FILES.items():
        (DOCS / name).write_text(content())
