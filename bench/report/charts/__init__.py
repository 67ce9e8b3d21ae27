"""The charts of the page, one file a kind; each carries its words and its rows.

None is drawn of nothing: without data a chart is a sentence that says what is
missing, or it is left out where the run never set out to measure it.
"""
