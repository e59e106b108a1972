"""Operators that stand for several others, and how they are written out as these."""
