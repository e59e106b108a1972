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
from flopscope.readings.memory import (
    Direction,
    Moved,
    buffer_bytes,
    directed_bytes,
    inference_bytes,
    inference_steps,
    live_bytes,
    moved_bytes,
    peak_activation_bytes,
    stored_bytes,
    traffic_bytes,
    weight_bytes,
)
from flopscope.readings.reading import Reading

__all__ = [
    "Direction",
    "Moved",
    "Reading",
    "activations",
    "active_params",
    "buffer_bytes",
    "buffers",
    "directed_bytes",
    "flops",
    "inference_bytes",
    "inference_steps",
    "live_bytes",
    "macs",
    "moved_bytes",
    "params",
    "peak_activation_bytes",
    "stored_bytes",
    "traffic_bytes",
    "trainable",
    "weight_bytes",
]
