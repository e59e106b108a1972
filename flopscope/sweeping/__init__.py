"""Grids of any size, reduced block by block: counts, histograms, the largest, frontiers.

Nothing of a grid is written out. Its axes are split in two sides, formulas become products of one
table a side, and each block of rows adds its part to a small state. `grid` numbers the designs,
`cover` finds the formulas that hold on parts of a network's grid, `regions` makes their tables,
`reductions` are what can be kept, `running` goes through the blocks here or on the workers of a
cluster, `writing` writes every design to a file.
"""
