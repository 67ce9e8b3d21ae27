"""A run in forms for others than the page's reader: JSON, CSV, Markdown, PNG.

``write_forms(reader, folder)`` writes them beside the page. ``summary`` is the data
that they, the gate and the comparison of runs share: what ``summary.json`` holds.
Everything is made from a run's files alone. The page itself is drawn in
``bench.report``; nothing here computes a figure that the analysis does not have.
"""
