"""From the tables of a run to summaries, comparisons and caveats, with pandas.

``analyse(reader)`` computes everything. No plotting and no network: a results
folder is all it needs.
"""

from bench.analysis.run import RunAnalysis, ScenarioAnalysis, analyse

__all__ = ["RunAnalysis", "ScenarioAnalysis", "analyse"]
