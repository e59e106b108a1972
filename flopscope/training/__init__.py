"""Networks really trained on small real images, and what that costs, step by step.

`images` and `recipe` need NumPy alone; torch is imported by the rest. `flopscope.differentiable`
trains its searches with the same loop.
"""
