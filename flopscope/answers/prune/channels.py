"""The channels of a network's tensors and weights, by the groups in which they can be removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from flopscope.brief import short


class Axis(NamedTuple):
    """The axis of a tensor or weight that has a group's channels, each of them `each` times in a
    row, as a flattened image has them."""

    group: int
    axis: int
    each: int = 1


@dataclass(frozen=True)
class Group:
    """Channels that are removed together. `layers` make them, `width` is how many there are.
    `whole` says why they stay, and is empty where they can go."""

    name: str
    width: int
    layers: tuple[str, ...]
    makers: tuple[str, ...]
    whole: str = ""

    def __repr__(self) -> str:
        return short(self, f"{self.name}: {self.width} channels" + (", kept" if self.whole else ""))


@dataclass(frozen=True)
class Groups:
    """The groups of a network, and the axes of their channels: by the id of a row those of its
    inputs and of its output, and by the key of a weight those of the weight."""

    groups: Mapping[int, Group]
    inputs: Mapping[int, tuple[Axis | None, ...]]
    outputs: Mapping[int, Axis]
    weights: Mapping[str, tuple[Axis, ...]]

    def __repr__(self) -> str:
        return short(self, f"{len(self.groups)} groups")

    @property
    def free(self) -> dict[int, Group]:
        """Those whose channels can go."""
        return {number: group for number, group in self.groups.items() if not group.whole}
