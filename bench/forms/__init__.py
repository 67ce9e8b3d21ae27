"""A run in forms for others than the page's reader: JSON, CSV, Markdown, PNG.

``write.write_forms`` writes them beside the page: ``report.md`` for a comment or a
wiki, ``summary.json`` (versioned, with its JSON Schema in ``summary.schema.json``),
``data/*.csv`` with every figure and round, and ``charts/*.png``. ``summary`` is the
data that they, the gate and the comparison of runs share. Everything is made from a
run's files alone. The page itself is drawn in ``bench.report``, whose figures the
PNGs are; nothing here computes a figure that the analysis does not have.
"""
