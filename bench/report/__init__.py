"""Turn the analysis of a run into a report: one document, then its forms.

``content`` decides the content, worded by ``sentences`` and ``prose``, with figures formatted by
``numbers``; it returns a ``document``, which ``html``, ``text`` and ``data`` render and ``drawing``
illustrates. ``output`` writes all of it. The gate and the comparison of runs make their own
documents and share everything below them. This package reads results through the store and never
imports the code that made them.
"""
