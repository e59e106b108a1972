"""A space of 24 small networks whose choices are coupled."""

from flopscope.analytic.operators import conv2d
from flopscope.analytic.tape import record

DEPTHS = {"depth": (1, 2), "width": (4, 6, 12), "kernel1": (1, 3), "kernel2": (1, 5)}


def chain(choices):
    """Two blocks coupled by a width, of which the depth may leave the second out."""

    def network(x):
        with x.tape.scope("block1"):
            x = conv2d(x, choices["width"], choices["kernel1"])
        if choices["depth"] == 2:
            with x.tape.scope("block2"):
                x = conv2d(x, choices["width"], choices["kernel2"])
        with x.tape.scope("head"):
            return conv2d(x, 5, 1)

    return record(network, (1, 3, 8, 8))
