"""Microbenchmarks: the speed of the parts, as ratios measured side by side in one run.

Duty: each module measures one part and runs by itself. Servers are started as processes here
too. ``top_speed`` and ``recording_cost`` measure the load generator itself.

What does not belong here: a timed test, and a figure that a report relies on.
"""
