"""From the tables of a run to summaries, comparisons and caveats, with pandas.

No plotting and no network: a results folder is all it needs.

"""
