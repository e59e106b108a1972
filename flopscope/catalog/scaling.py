"""A variant of the catalogue scaled by a user's own φ, α, β, γ: arXiv 1905.11946, section 3.3."""

from __future__ import annotations

from flopscope.catalog.options import DEPTH, RHO, WIDTH, Multiplier, parse_values
from flopscope.catalog.variant import Variant
from flopscope.errors import BadInput
from flopscope.scaling import Scaling, shown


def scaled(
    variant: Variant, scaling: Scaling, asked: int | tuple[int, int] | None = None
) -> tuple[Variant, tuple[int, int]]:
    """What a variant becomes, and the size of its input: asked or native, and scaled.

    Coefficients are rounded to the six digits that the variant's name shows, sizes to whole
    pixels, so that the name and the size give the same network again. A ρ is in that size and
    no longer in the variant. Raises BadInput for a model without width or depth.

    >>> from flopscope.catalog.variant import parse
    >>> variant, resolution = scaled(parse("resnet50"), Scaling(phi=1))
    >>> print(variant, resolution)
    resnet50:width=1.1,depth=1.2 (258, 258)
    """
    options, known = dict(variant.options), {o.name: o for o in variant.model.options}
    depth, width, resolution = scaling.factors
    for option, factor in ((WIDTH, width), (DEPTH, depth)):
        if option.name not in known:
            raise BadInput(
                f"{variant.model.id} has no {option.name} and cannot be scaled; "
                "`flopscope list` says which models have width and depth"
            )
        own = options.get(option.name, known[option.name].default)
        options[option.name] = shown(own * factor)
    given = variant.resolution(asked)
    assert given is not None, "a network with a width takes an image"
    height, wide = map(int, given)
    options.pop(RHO.name, None)
    size = (max(1, round(height * resolution)), max(1, round(wide * resolution)))
    return Variant(variant.model, tuple(options.items())), size


def parse_scaling(text: str) -> Scaling:
    """'phi=1,alpha=1.2' as a Scaling.

    Raises UnknownName for another letter, BadInput for a value that is not a positive number, a
    letter given twice, or text that is not key=value.

    >>> parse_scaling("phi=2,gamma=1.2")
    Scaling(alpha=1.2, beta=1.1, gamma=1.2, phi=2.0)
    """
    if not text:
        raise BadInput("--scale is empty; write --scale phi=1")
    letters = tuple(Multiplier(name) for name in ("phi", "alpha", "beta", "gamma"))
    return Scaling(**parse_values(letters, text, "letter of --scale", "--scale "))
