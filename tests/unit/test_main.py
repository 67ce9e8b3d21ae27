"""``python -m bench`` while it loads, and the modules that it loads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import VERBS, main

INTERRUPT_WHILE_LOADING = """
import runpy, sys

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "bench.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
runpy.run_module("bench", run_name="__main__")
"""


def test_ctrl_c_while_it_loads_ends_it_without_a_traceback():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT_WHILE_LOADING], capture_output=True, text=True, check=False
    )
    assert (130, "") == (done.returncode, done.stderr)


LOADED_FOR_HELP = """
import sys
from pathlib import Path
from bench.cli import main

try:
    main(["--help"])
finally:
    print("loaded:", *sorted({"pandas", "pyarrow", "kubernetes", "matplotlib"} & set(sys.modules)))
"""


def test_help_waits_for_nothing_that_only_a_verb_needs():
    done = subprocess.run(
        [sys.executable, "-c", LOADED_FOR_HELP], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    assert "loaded:" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_that_help_names_has_help_of_its_arguments(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert 0 == ended.value.code
    assert f"usage: python -m bench {verb} " in capsys.readouterr().out


def test_without_a_verb_all_of_them_are_shown(capsys):
    assert 2 == main([])
    shown = capsys.readouterr().err
    assert [] == [verb for verb in VERBS if f"    {verb}" not in shown]


def test_the_error_of_an_unknown_verb_names_the_nearest(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["rnu", "smoke"])
    assert 2 == ended.value.code
    assert "there is no verb 'rnu' (the nearest is 'run'); there are run, report" in (
        capsys.readouterr().err.replace("\n", " ")
    )


@pytest.mark.parametrize("verb", [["report"], ["gate"], ["compare", "latest"], ["run", "--resume"]])
def test_a_run_that_does_not_exist_is_wrong_usage(verb, tmp_path, capsys):
    assert 2 == main([*verb, "yesterday", "--results", str(tmp_path)])
    assert "no run" in capsys.readouterr().err


def test_a_server_of_the_command_line_cannot_have_the_name_of_one_of_ours(capsys):
    assert 2 == main(["run", "smoke", "--server", "direct=./mine"])
    assert "error: --server: 'direct' is a server of this project" in capsys.readouterr().err


IN_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_without_unicode_a_dash_is_a_hyphen_and_any_other_character_a_question_mark():
    program = r"""
from bench.cli.encoding import write_plainly
write_plainly()
print('2\u20133 \u2265 \u6f22')
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        env=os.environ | IN_ASCII,
    )
    assert (0, b"2-3 >= ?\n") == (done.returncode, done.stdout)


A_PACKAGE_LACKS = """
import sys
from pathlib import Path
from importlib import metadata
from bench.cli import main

find = metadata.Distribution.from_name
def lacking(name):
    if name == "matplotlib":
        raise metadata.PackageNotFoundError(name)
    return find(name)

metadata.Distribution.from_name = lacking
sys.exit(main(["run", "smoke"]))
"""


def test_a_package_that_the_environment_lacks_is_named_before_anything_is_begun(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", A_PACKAGE_LACKS],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"},
        cwd=tmp_path,
    )
    assert 1 == done.returncode
    assert "lacks the package 'matplotlib'; make it again" in done.stdout + done.stderr
    assert [] == list(tmp_path.iterdir())
