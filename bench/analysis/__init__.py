"""From the tables of a run to one document of figures. Files in, plain data out.

``analyse(reader)`` computes everything; what it returns, ``RunAnalysis``, is what
``summary.json`` holds. A figure that cannot be stated has the value ``None`` and a
``missing`` that says why; it is never 0 instead. There is no plotting and no network here,
and no sentence but those of caveats. The way of the data: tables, ``trial_data``, ``frame``,
what these tell, and ``run``, which puts all together.
"""

from bench.analysis.result import RunAnalysis, ScenarioAnalysis
from bench.analysis.run import analyse
from bench.analysis.trial_data import RunData, read_run

__all__ = ["RunAnalysis", "RunData", "ScenarioAnalysis", "analyse", "read_run"]
