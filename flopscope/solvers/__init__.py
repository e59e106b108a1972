"""Optimisers from other packages, each of which is an extra: OR-tools' CP-SAT and pymoo's NSGA-II.

Nothing else in flopscope imports them.
"""
