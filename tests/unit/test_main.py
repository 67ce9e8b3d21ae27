"""``python -m bench`` before it has loaded."""

import subprocess
import sys

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
