"""From a run's analysis to a report: one document, then its forms.

``content`` decides what is said, in the words of ``sentences`` and ``prose`` and the
``numbers`` of one format; it gives a ``document``, which ``html``, ``text`` and ``data`` set
and ``drawing`` illustrates. ``output`` writes all of it. The gate and the comparison of runs
make documents of their own and share everything below them. It reads results through the
store and never imports what made them.
"""
