"""From the tables of a run to one document of figures. Files in, plain data out.

``analyse(reader)`` computes everything; what it returns, ``RunAnalysis``, is what
``summary.json`` holds. A figure that cannot be stated has the value ``None`` and a
``missing`` that says why; it is never 0 instead. There is no plotting and no network here,
and no sentence but those of caveats. From the tables upwards:

- ``counters``, ``requests``, ``ledgers``, ``latency``: what one table says;
- ``trial_data``: one trial, all its tables, and the value of each metric on it;
- ``frame``: the tidy frame of all trials, above their floor;
- ``arms``, ``comparisons``, ``side_by_side``, ``cost_fit``, ``faults``: what the frame and
  the trials tell; ``cost_model`` prices situations from the fitted unit costs;
- ``caveats``: reasons to read a figure with care; ``run`` puts all together;
- ``result``: the types; ``summary_file``: the file.
"""

from bench.analysis.result import RunAnalysis, ScenarioAnalysis
from bench.analysis.run import analyse
from bench.analysis.trial_data import RunData, read_run

__all__ = ["RunAnalysis", "RunData", "ScenarioAnalysis", "analyse", "read_run"]
