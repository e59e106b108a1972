"""Latency-driven slimming of EfficientFormer: designs, times of their parts, actions."""
