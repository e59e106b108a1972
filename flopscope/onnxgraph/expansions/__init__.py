"""Operators that stand for several others, written out as those."""
