"""What the informer is worth, as ratios in one run: plain scripts, run by ``make microbench``.

Not imported by the library. The official client's informer is a peer to measure
against and no dependency of the library itself.
"""
