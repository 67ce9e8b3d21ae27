"""The speed of the parts, as ratios measured side by side in one run; never a timed test.

Each module measures one part and runs by itself. Servers are started as
processes here too.
"""
