"""Design spaces: networks that differ in choices, and the exact distribution of what they cost.

A design is one choice at each slot. Where a cost is a sum over slots, all designs are counted
without being listed.
"""
