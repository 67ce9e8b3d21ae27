"""Two runs side by side: what differs between their machines, their plans, their figures.

Works from two summaries, hence from files alone. Rounds of two runs have nothing in
common: figures are compared by Welch's two-sample t, never paired. What cannot be
compared is listed with its reason, not left out.
"""
