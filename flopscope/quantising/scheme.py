"""How a network is to be quantised: bits, scales by channel or tensor, and layers that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from flopscope.brief import short
from flopscope.errors import BadInput, UnknownName, check_name

MOST_BITS = 8
ENDS = ("first", "last")
ACTIVATIONS = ("uint8", "int8")


@dataclass(frozen=True)
class Scheme:
    """`bits` are those of weights, unless a pattern of `mixed` matches the layer's name; the last
    pattern that does so decides. `skip` has patterns too, and the words first and last. Activations
    have 8 bits.

    >>> scheme = Scheme(8, (("head*", 4),), skip=("first",))
    >>> scheme.bits_of("head.conv"), sorted(scheme.skipped(["stem", "head.conv"]))
    (4, ['stem'])
    """

    bits: int = 8
    mixed: tuple[tuple[str, int], ...] = ()
    per_channel: bool = True
    skip: tuple[str, ...] = ()
    activations: str = "uint8"

    def __post_init__(self) -> None:
        check_name("type of activations", self.activations, ACTIVATIONS)

    def __repr__(self) -> str:
        return short(self, self.words)

    @property
    def words(self) -> str:
        """The scheme in words."""
        bits = [f"int{self.bits} weights", *(f"int{n} in {name}" for name, n in self.mixed)]
        scales = "channel" if self.per_channel else "tensor"
        kept = f", {' and '.join(self.skip)} in float32" if self.skip else ""
        return f"{', '.join(bits)}, a scale for each {scales}, {self.activations} activations{kept}"

    def bits_of(self, layer: str) -> int:
        """The bits of a layer's weight."""
        found = [bits for pattern, bits in self.mixed if fnmatchcase(layer, pattern)]
        return found[-1] if found else self.bits

    def skipped(self, layers: Sequence[str]) -> frozenset[str]:
        """The layers that stay in float32.

        Raises UnknownName for a pattern, of skipped layers or of bits, that no layer matches.
        """
        for pattern, _ in self.mixed:
            _matching(pattern, layers)
        ends = {"first": layers[:1], "last": layers[-1:]}
        return frozenset(
            layer
            for pattern in self.skip
            for layer in ends.get(pattern) or _matching(pattern, layers)
        )


def _matching(pattern: str, layers: Sequence[str]) -> list[str]:
    found = [layer for layer in layers if fnmatchcase(layer, pattern)]
    if not found:
        raise UnknownName("layer", pattern, list(dict.fromkeys(layers)) or ["none"])
    return found


def parse_bits(texts: Sequence[str | int]) -> tuple[int, tuple[tuple[str, int], ...]]:
    """The bits of all layers, and those of patterns. Raises BadInput for what is no number of
    bits, and for two numbers of all layers.

    >>> parse_bits(["4", "head*=8"])
    (4, (('head*', 8),))
    """
    every: list[int] = []
    mixed: list[tuple[str, int]] = []
    for text in texts:
        pattern, equals, number = str(text).rpartition("=")
        if equals:
            mixed.append((pattern, _bits(number, text)))
        else:
            every.append(_bits(number, text))
    if len(every) > 1:
        raise BadInput(
            f"{' and '.join(map(str, every))} are both bits of all layers; give one number, and "
            "head*=4 for the layers of a pattern"
        )
    return (*every, MOST_BITS)[0], tuple(mixed)


def _bits(number: str, text: str | int) -> int:
    if number.strip().isdecimal() and 2 <= int(number) <= MOST_BITS:
        return int(number)
    raise BadInput(
        f"'{text}' gives no number of bits from 2 to {MOST_BITS}; write 8, or head*=4 for the "
        "layers of a pattern"
    )


def parse_skip(text: str) -> tuple[str, ...]:
    """Patterns between commas. Raises BadInput where there is none.

    >>> parse_skip("first, stage1.*")
    ('first', 'stage1.*')
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise BadInput(
            f"'{text}' names no layer to skip; give first,last or patterns like stage1.*"
        )
    return found
