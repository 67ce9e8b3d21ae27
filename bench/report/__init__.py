"""From a run's analysis to figures, tables and one HTML page.

``render(reader, out_dir)`` writes a run's page, ``write_index`` the list of
reports, ``terminal_summary`` the short form for the end of a run. It reads
results through the store and never imports what made them.
"""

from bench.report.document import render
from bench.report.index import write_index
from bench.report.terminal import terminal_summary

__all__ = ["render", "terminal_summary", "write_index"]
