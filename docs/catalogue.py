"""Bring the catalogues of other languages up to date with the sources: ``make catalogue``.

Messages are the arguments of ``message`` and ``plural``, the texts of ``prose.toml``, the words of
the registry of metrics, the values of closed sets, and the texts of caveats and reasons, which
files keep. New ones are added to ``bench/report/locale/<language>.po`` without a translation, those
that are gone are removed. With ``--check`` nothing is written: what is not translated, fuzzy, of
other slots or out of date is listed, and the exit code is 1 (``make check``).
"""

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bench.metrics import METRICS
from bench.model import CaveatKind, RunState
from bench.model.message import Message
from bench.report import prose
from bench.report.language import LOCALE, SEPARATORS
from bench.report.sentences import sizes

JUDGED = "NothingToJudgeError"
"""The error whose text a document shows; others end a command."""
OPTIONAL = {"link"}
"""Slots for words that only English needs: "as" and "than"."""
WORDS, FEWEST_WORDS = re.compile(r"(?<!\S)[(;:,]?[a-zA-Z'-]{2,}"), 2
BENCH = Path(__file__).resolve().parents[1] / "bench"
KEYWORDS = {"message": None, "plural": (2, 3)}
RECORDED = (
    *("analysis/*.py", "cluster/control_plane.py", "faults/*.py", "run/create.py", "run/resume.py"),
    *("gate/compare.py", "gate/judge.py", "gate/observe.py", "sites/existing.py"),
    *("trial/answers.py", "trial/measurements.py", "trial/record.py"),
)
"""What makes texts that files keep. They are recognised by their patterns, see ``Recorded``."""


def messages() -> Iterator[tuple[str, str]]:
    """Yield every message of the sources, and the file that it is in."""
    python = [("**.py", "python")]
    for file, _, msgid, _, _ in extract_from_dir(BENCH, python, keywords=KEYWORDS):
        counted = isinstance(msgid, tuple)
        texts = [f"{{count}} {noun}" for noun in msgid] if counted else [str(msgid)]
        yield from ((text, f"bench/{file}") for text in texts)
    for text in prose.msgids():
        yield text, "bench/report/templates/prose.toml"
    for text in _words():
        yield text, "bench/metrics/registry.py"
    for kind in (CaveatKind, RunState):
        for one in kind:
            yield str(one), f"{kind.__module__.replace('.', '/')}.py"
    for separator in SEPARATORS:
        yield separator, "bench/model/message.py"
    for pattern in RECORDED:
        for path in BENCH.glob(pattern):
            for text in _recorded(ast.parse(path.read_text())):
                yield text, f"bench/{path.relative_to(BENCH)}"


def _recorded(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a module that are sentences, an f-string as a pattern with named slots."""
    left_out = {
        id(part)
        for one in ast.walk(tree)
        if isinstance(one, ast.JoinedStr | ast.Assert)
        or (isinstance(one, ast.Raise) and JUDGED not in ast.dump(one))
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for part in ast.walk(one)
        if part is not one
    }
    for one in ast.walk(tree):
        if id(one) in left_out:
            continue
        text = ""
        if isinstance(one, ast.JoinedStr):
            text = _patterned(one)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            text = one.value
        if len(WORDS.findall(re.sub(r"\{\w+\}", "", text))) >= FEWEST_WORDS and "\\" not in text:
            yield text


def _patterned(text: ast.JoinedStr) -> str:
    """Return an f-string with the last name of each expression as its slot."""
    made, names = "", list[str]()
    for part in text.values:
        if isinstance(part, ast.Constant):
            made += str(part.value).replace("{", "{{").replace("}", "}}")
            continue
        named = [
            one.attr if isinstance(one, ast.Attribute) else one.id
            for one in ast.walk(part)
            if isinstance(one, ast.Attribute | ast.Name)
        ]
        name = next((one.lower() for one in named if one not in ("len", "join")), "text")
        if name in names:
            name = f"{name}_{len(names)}"
        names.append(name)
        made += f"{{{name}}}"
    return made


def _words() -> Iterator[str]:
    """Yield titles and short titles of metrics, and what is said of a size of theirs."""
    for metric in METRICS:
        for text in (metric.title, metric.short):
            yield text.msgid if isinstance(text, Message) else text
        yield from sizes(metric)


def template() -> Catalog:
    """Return all messages as a catalogue without translations."""
    made = Catalog(project="informer-bench", charset="utf-8")
    for msgid, file in messages():
        if msgid:
            made.add(msgid, locations=[(file, 0)])
    return made


def problems(found: Catalog, wanted: Catalog) -> Iterator[str]:
    """Yield what is wrong with a catalogue, beside all messages that there are."""
    ids = {str(one.id) for one in wanted if one.id}
    yield from (f"not in the catalogue: {one!r}" for one in sorted(ids) if one not in found)
    for one in found:
        if not one.id:
            continue
        if one.id not in ids:
            yield f"no longer in the sources: {one.id!r}"
        elif not one.string:
            yield f"not translated: {one.id!r}"
        elif one.fuzzy:
            yield f"fuzzy: {one.id!r}"
        elif _slots(str(one.string)) | OPTIONAL != _slots(str(one.id)) | OPTIONAL:
            yield f"other slots: {one.id!r}"


def _slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def main() -> int:
    """Write every catalogue anew, or check them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, list what is wrong")
    options = parser.parse_args()
    wanted, wrong = template(), 0
    for path in sorted(Path(str(LOCALE)).glob("*.po")):
        found = read_po(io.BytesIO(path.read_bytes()), locale=path.stem)
        if options.check:
            for problem in problems(found, wanted):
                print(f"{path.name}: {problem} (make catalogue)", file=sys.stderr)
                wrong += 1
            continue
        dated = found.creation_date
        found.update(wanted, no_fuzzy_matching=True)
        found.creation_date = dated
        with path.open("wb") as file:
            write_po(
                file, found, 100, ignore_obsolete=True, sort_by_file=True, include_lineno=False
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
