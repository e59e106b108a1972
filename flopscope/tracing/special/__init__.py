"""Calls that are not plain operators on plain tensors, and that are handled first."""
