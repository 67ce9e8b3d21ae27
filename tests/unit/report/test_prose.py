"""Fixed texts: each is used, and each that is used exists."""

import ast
import tomllib
from pathlib import Path

from bench.report import prose


def test_every_fixed_text_is_used():
    file = Path(prose.__file__).parent / "templates" / "prose.toml"
    known = set(tomllib.loads(file.read_text()))
    called = {
        node.args[0].value
        for path in Path(prose.__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", ""))
        in ("text", "texts", "paragraphs", "_axes")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    assert known - {"features", "method_existing", "method_throwaway"} == called & known
