"""From the tables of a run to one document of figures. Files in, plain data out.

``analyse(reader)`` computes everything and returns a ``RunAnalysis``, the content of
``summary.json``. A figure that cannot be stated has the value ``None``, never 0, and a
``missing`` that gives the reason. This package does not plot, uses no network and writes no
sentences but those of caveats. Data flow from the tables to ``trial_data``, to ``frame``, to the
modules that compute figures, and to ``run``, which assembles the result.
"""

from bench.analysis.result import RunAnalysis, ScenarioAnalysis
from bench.analysis.run import analyse
from bench.analysis.trial_data import RunData, read_run

__all__ = ["RunAnalysis", "RunData", "ScenarioAnalysis", "analyse", "read_run"]
