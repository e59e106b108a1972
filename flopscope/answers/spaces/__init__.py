"""A network over its free sizes: which there are, and ledgers that hold on a part of them.

Each kind of target has a space: the catalogue's closed forms, traces of one's own networks, graphs
of ONNX files.
"""

from flopscope.answers.spaces.catalog import CatalogSpace
from flopscope.answers.spaces.choosing import space_of
from flopscope.answers.spaces.graphs import GraphSpace
from flopscope.answers.spaces.space import Fixed, Part, Space
from flopscope.answers.spaces.traced import TracedSpace

__all__ = ["CatalogSpace", "Fixed", "GraphSpace", "Part", "Space", "TracedSpace", "space_of"]
