"""Costs as differentiable functions of choices, and the searches that descend along them.

`tables` and `reading` need NumPy alone; torch is imported by `torched` and by the searches.
"""
