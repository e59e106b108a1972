"""Pruning: channels removed, as rows at other widths and as a real module; and zeros among weights,
as a theoretical factor."""
