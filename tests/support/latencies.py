"""Tables of latencies for tests, of a machine that is made up."""

from __future__ import annotations

from itertools import product

from flopscope.catalog.variant import parse

SIZES = (96, 128, 160)
HEADER = "model,device,runtime,dtype,threads,batch,resolution,latency_ms"
WHERE = "made up,ort,float32,1,1"


def latency_ms(model: str, size: int) -> float:
    """Milliseconds on a machine that does a multiply-accumulate in 0.05 ns and fetches a byte of
    activations in 0.1 ns."""
    ledger = parse(model).ledger((size, size))
    return round(
        5e-8 * int(ledger.macs().value) + 1e-7 * int(ledger.traffic_bytes("float32").value), 6
    )


def line(model: str, size: int) -> str:
    """A row of a table with `HEADER`."""
    return f"{model},{WHERE},{size},{latency_ms(model, size)}"


MODELS = [
    *(f"mobilenetv2:width={width}" for width in (0.5, 1, 1.5, 2)),
    *(f"shufflenetv2_x{width}" for width in ("0.5", "1.0", "1.5", "2.0")),
]
MADE_UP = "\n".join([HEADER, *(line(m, s) for m, s in product(MODELS, SIZES))]) + "\n"
"""Two families at four widths and three input sizes."""
