"""Readings: quantities read from ledger rows. A reading knows its unit and convention."""

from flopscope.readings.counts import (
    activations,
    active_params,
    buffers,
    flops,
    macs,
    params,
    trainable,
)
from flopscope.readings.memory import peak_activation_bytes, traffic_bytes, weight_bytes
from flopscope.readings.reading import Reading

__all__ = [
    "Reading",
    "activations",
    "active_params",
    "buffers",
    "flops",
    "macs",
    "params",
    "peak_activation_bytes",
    "traffic_bytes",
    "trainable",
    "weight_bytes",
]
