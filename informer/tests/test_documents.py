"""The code in the documents runs unchanged."""

import re
import tomllib
from pathlib import Path

import kube_informer

ROOT = Path(kube_informer.__file__).parents[2]


def test_the_selector_parsers_run_alone_as_their_document_shows(capsys):
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "selectors.md").read_text(), re.DOTALL
    )
    exec(compile(code, "selectors.md", "exec"), {})
    assert "found 'web' expected: '('" in capsys.readouterr().out


def test_the_readme_names_the_dependencies_of_the_library():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = sorted(re.split(r"[<>=]", text)[0] for text in project["dependencies"])
    (listed,) = re.findall(r"it depends on (.*?), and both ends", (ROOT / "README.md").read_text())
    assert needed == sorted(re.findall("`(.*?)`", listed))
