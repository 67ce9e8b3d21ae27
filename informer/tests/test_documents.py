"""The code in the documents runs as it stands."""

import re
from pathlib import Path

import kube_informer

DOCS = Path(kube_informer.__file__).parents[2] / "docs"


def test_the_selector_parsers_run_alone_as_their_document_shows(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "selectors.md").read_text(), re.DOTALL)
    exec(compile(code, "selectors.md", "exec"), {})
    assert "found 'web' expected: '('" in capsys.readouterr().out
