"""Bring the catalogues of other languages up to date with the sources: ``make catalogue``.

Messages are the arguments of ``message`` and ``plural``, the texts of ``prose.toml``, the words of
the registry of metrics, the values of closed sets, and the texts of caveats and reasons, which
files keep. The command adds new messages to ``bench/report/locale/<language>.po`` without a
translation, and removes obsolete ones. With ``--check`` it writes nothing: it lists messages that
are untranslated, fuzzy, of other slots or out of date, and exits with 1 (``make check``).
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
"""Modules whose texts files keep. Their patterns identify these texts, see ``Recorded``."""


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
        for value in kind:
            yield str(value), f"{kind.__module__.replace('.', '/')}.py"
    for separator in SEPARATORS:
        yield separator, "bench/model/message.py"
    for pattern in RECORDED:
        for path in BENCH.glob(pattern):
            for text in _recorded(ast.parse(path.read_text())):
                yield text, f"bench/{path.relative_to(BENCH)}"


def _recorded(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a module that are sentences, an f-string as a pattern with named slots."""
    excluded = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Assert)
        or (isinstance(node, ast.Raise) and JUDGED not in ast.dump(node))
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if id(node) in excluded:
            continue
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = _patterned(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if len(WORDS.findall(re.sub(r"\{\w+\}", "", text))) >= FEWEST_WORDS and "\\" not in text:
            yield text


def _patterned(text: ast.JoinedStr) -> str:
    """Return an f-string with the last name of each expression as its slot."""
    pattern, names = "", list[str]()
    for part in text.values:
        if isinstance(part, ast.Constant):
            pattern += str(part.value).replace("{", "{{").replace("}", "}}")
            continue
        identifiers = [
            node.attr if isinstance(node, ast.Attribute) else node.id
            for node in ast.walk(part)
            if isinstance(node, ast.Attribute | ast.Name)
        ]
        name = next((word.lower() for word in identifiers if word not in ("len", "join")), "text")
        if name in names:
            name = f"{name}_{len(names)}"
        names.append(name)
        pattern += f"{{{name}}}"
    return pattern


def _words() -> Iterator[str]:
    """Yield titles and short titles of metrics, and the words for their sizes."""
    for metric in METRICS:
        for text in (metric.title, metric.short):
            yield text.msgid if isinstance(text, Message) else text
        yield from sizes(metric)


def template() -> Catalog:
    """Return all messages as a catalogue without translations."""
    catalogue = Catalog(project="informer-bench", charset="utf-8")
    for msgid, file in messages():
        if msgid:
            catalogue.add(msgid, locations=[(file, 0)])
    return catalogue


def problems(catalogue: Catalog, sources: Catalog) -> Iterator[str]:
    """Yield the problems of a catalogue, compared with all messages of the sources."""
    ids = {str(entry.id) for entry in sources if entry.id}
    yield from (f"not in the catalogue: {id_!r}" for id_ in sorted(ids) if id_ not in catalogue)
    for entry in catalogue:
        if not entry.id:
            continue
        if entry.id not in ids:
            yield f"no longer in the sources: {entry.id!r}"
        elif not entry.string:
            yield f"not translated: {entry.id!r}"
        elif entry.fuzzy:
            yield f"fuzzy: {entry.id!r}"
        elif _slots(str(entry.string)) | OPTIONAL != _slots(str(entry.id)) | OPTIONAL:
            yield f"other slots: {entry.id!r}"


def _slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def main() -> int:
    """Write every catalogue anew, or check all of them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, list the problems")
    options = parser.parse_args()
    sources, count = template(), 0
    for path in sorted(Path(str(LOCALE)).glob("*.po")):
        catalogue = read_po(io.BytesIO(path.read_bytes()), locale=path.stem)
        if options.check:
            for problem in problems(catalogue, sources):
                print(f"{path.name}: {problem} (make catalogue)", file=sys.stderr)
                count += 1
            continue
        created = catalogue.creation_date
        catalogue.update(sources, no_fuzzy_matching=True)
        catalogue.creation_date = created
        with path.open("wb") as file:
            write_po(
                file, catalogue, 100, ignore_obsolete=True, sort_by_file=True, include_lineno=False
            )
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
