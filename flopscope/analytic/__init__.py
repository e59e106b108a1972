"""Closed forms from the papers: operators, blocks and networks over sizes. Never imports torch."""
