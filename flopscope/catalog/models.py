"""The catalogue. A row stands for a model, or for its several sizes. A new family adds two files,
and its rows here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from flopscope.analytic.switches import Recipe
from flopscope.brief import short
from flopscope.catalog.options import (
    CLASSES,
    DEPTH,
    FORM,
    GROUPS,
    PHASE,
    PROMPTS,
    QUERIES,
    RHO,
    TOKENS,
    WIDTH,
    WIDTH_PER_GROUP,
    Option,
    recipe,
)
from flopscope.catalog.papers import (
    CONVNEXT,
    EFFICIENTFORMER,
    EFFICIENTFORMERV2,
    EFFICIENTNET,
    EFFICIENTNETV2,
    EFFICIENTSAM,
    EFFICIENTVIT_MIT,
    EFFICIENTVIT_MSRA,
    FASTVIT,
    GHOSTNET,
    GHOSTNETV2,
    GHOSTNETV3,
    MOBILECLIP,
    MOBILECLIP2,
    MOBILEONE,
    MOBILEVIT,
    MOBILEVITV2,
    MOBILEVLM,
    POOLFORMER,
    REGNET,
    REPVIT,
    RESNET,
    SHUFFLENET,
    SHUFFLENETV2,
    STARNET,
    V1,
    V2,
    V3,
    V4,
    WTCONVNEXT,
    Paper,
)
from flopscope.facts import InputSpec
from flopscope.symbolic import symbol

IMAGE = InputSpec(None, (symbol("B"), 3, symbol("H"), symbol("W")))


@dataclass(frozen=True)
class Model:
    """A network of the catalogue.

    `function` names its closed form in `flopscope.analytic.<family>` and its PyTorch module in
    `reference_models.<family>`; its published figures are those of <family> in `catalog/published`.
    Both functions take `inputs` in this order. Their sizes are numbers, B, H, W, and options of the
    model: token ids are `InputSpec(None, (symbol("B"), symbol("tokens")), "int64")`.
    """

    id: str
    family: str
    paper: Paper
    options: tuple[Option, ...]
    resolution: int = 224
    inputs: tuple[InputSpec, ...] = (IMAGE,)
    step: tuple[InputSpec, ...] = ()
    """Its inputs with `phase=decode`: a token, and the keys and values of the tokens before it."""

    def __repr__(self) -> str:
        return short(self, self.id)

    @property
    def function(self) -> str:
        """The id as a name in Python: shufflenetv2_x0.5 is `shufflenetv2_x0_5`."""
        return self.id.replace(".", "_")


_V1_RECIPES = recipe(Recipe.TIMM)
_V3_RECIPES = recipe(Recipe.TORCHVISION, Recipe.TIMM)
_SHUFFLENETV2_RECIPES = recipe(Recipe.TORCHVISION)
_REGNET_RECIPES = recipe(Recipe.TORCHVISION)
_PROMPTED = (
    (QUERIES, PROMPTS),
    1024,
    (
        IMAGE,
        InputSpec(None, (symbol("B"), symbol("queries"), symbol("prompts"), 2)),
        InputSpec(None, (symbol("B"), symbol("queries"), symbol("prompts")), "int64"),
    ),
)
"""Options, resolution and inputs: an image, and for each query its points and their labels."""
_SCALED = (WIDTH, DEPTH, CLASSES)
_SCALED_OR_TIMM = (*_SCALED, recipe(Recipe.TIMM))
_SCALED_IN_FORMS = (*_SCALED, FORM)
_RESNEXT = (*_SCALED, GROUPS, WIDTH_PER_GROUP)

_SHUFFLENET_WIDTHS = {
    1: (0.25, 0.5, 0.75, 1.0),
    2: (0.25, 0.5, 1.0),
    3: (0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    4: (0.25, 0.5, 1.0),
    8: (0.25, 0.5, 1.0, 1.5, 2.0),
}
"""For each number of groups, the widths with published figures."""

_REGNET_SIZES = (
    *("200mf", "400mf", "600mf", "800mf", "1.6gf", "3.2gf"),
    *("4.0gf", "6.4gf", "8.0gf", "12gf", "16gf", "32gf"),
)
_REFITTED = ("regnetx_400mf", "regnety_800mf", "regnety_8.0gf")
_EFFICIENTFORMERV2S = ("s0", "s1", "s2", "l")
_MOBILENETV4_SIZES = {
    "conv_small": 224,
    "conv_medium": 256,
    "conv_large": 384,
    "hybrid_medium": 256,
    "hybrid_large": 384,
    "conv_aa_medium": 256,
    "conv_aa_large": 384,
    "conv_blur_medium": 224,
}
"""The resolution of each network: of the last three, which only timm has, that of its weights."""

_REPVITS = ("0.6", "0.9", "1.0", "1.1", "1.5", "2.3", "1", "2", "3")
_MOBILEVITV2_WIDTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
_POOLFORMERS = ("s12", "s24", "s36", "m36", "m48")
_FASTVITS = ("t8", "t12", "s12", "sa12", "sa24", "sa36", "ma36")
_SCALED_WITH_FORM = (*_SCALED, FORM)
_STARNETS = ("s1", "s2", "s3", "s4", "s050", "s100", "s150")


def _mobilevlm(size: str, layers: int, heads: int, head: int) -> Model:
    """A MobileVLM. The keys and values are those of the image's 144 tokens and of all tokens of the
    text but the last."""
    batch, tokens = symbol("B"), symbol("tokens")
    kept = InputSpec(None, (batch, heads, 144 + tokens - 1, head))
    return Model(
        f"mobilevlm_v2_{size}",
        "mobilevlm",
        MOBILEVLM,
        (TOKENS, PHASE),
        336,
        (IMAGE, InputSpec(None, (batch, tokens), "int64")),
        (InputSpec(None, (batch, 1), "int64"), *(kept,) * (2 * layers)),
    )


def _mobilenetv4(size: str, resolution: int) -> Model:
    return Model(f"mobilenetv4_{size}", "mobilenetv4", V4, _SCALED_OR_TIMM, resolution)


def _efficientnet(id: str, width: float, depth: float, resolution: int) -> Model:
    """An EfficientNet: the network of Table 1 in arXiv 1905.11946 with coefficients of its own."""
    options = (replace(WIDTH, default=width), replace(DEPTH, default=depth), CLASSES)
    return Model(id, "efficientnet", EFFICIENTNET, options, resolution)


def _efficientvit(size: str) -> Model:
    """An EfficientViT of MIT."""
    return Model(f"efficientvit_{size}", "efficientvit", EFFICIENTVIT_MIT, (CLASSES,))


def _shufflenetv1(groups: int, width: float) -> Model:
    return Model(f"shufflenetv1_g{groups}_x{width}", "shufflenetv1", SHUFFLENET, _SCALED)


def _shufflenetv2(width: float) -> Model:
    options = (*_SCALED, _SHUFFLENETV2_RECIPES)
    return Model(f"shufflenetv2_x{width}", "shufflenetv2", SHUFFLENETV2, options)


def _mobileclip(
    size: str,
    resolution: int,
    *forms: Option,
    family: str = "mobileclip",
    paper: Paper = MOBILECLIP,
) -> Model:
    """A MobileCLIP, which takes an image and the tokens of a text, at most the context's 77."""
    texts = InputSpec(None, (symbol("B"), symbol("tokens")), "int64")
    options = (*forms, replace(TOKENS, default=77, most=77))
    return Model(f"{family}_{size}", family, paper, options, resolution, (IMAGE, texts))


def _mobileclip2(size: str) -> Model:
    return _mobileclip(size, 256, FORM, family="mobileclip2", paper=MOBILECLIP2)


def _by_width(
    family: str, paper: Paper, width: float, *more: Option, resolution: int = 224
) -> Model:
    """A network by its published width: the option width of `ghostnet_130` is 1.3 by default."""
    options = (replace(WIDTH, default=width), DEPTH, CLASSES, *more)
    return Model(f"{family}_{round(100 * width):03}", family, paper, options, resolution)


def _regnet(id: str) -> Model:
    """A RegNet. torchvision fits widths to groups in another way, which changes three of the
    networks."""
    options = (*_SCALED, _REGNET_RECIPES) if id in _REFITTED else _SCALED
    return Model(id, "regnet", REGNET, options)


def _sizes(
    id: str,
    family: str,
    paper: Paper,
    sizes: Iterable[str],
    options: tuple[Option, ...] = _SCALED,
    resolution: int = 224,
) -> Iterator[Model]:
    """The networks of a paper that differ only in size, which is part of the id."""
    return (Model(id.format(size), family, paper, options, resolution) for size in sizes)


_MODELS = (
    Model("mobilenetv1", "mobilenetv1", V1, (WIDTH, DEPTH, RHO, CLASSES, _V1_RECIPES)),
    Model("mobilenetv2", "mobilenetv2", V2, _SCALED),
    Model("mobilenetv3_large", "mobilenetv3", V3, (*_SCALED, _V3_RECIPES)),
    Model("mobilenetv3_small", "mobilenetv3", V3, (*_SCALED, _V3_RECIPES)),
    *(_mobilenetv4(size, resolution) for size, resolution in _MOBILENETV4_SIZES.items()),
    _efficientnet("efficientnet_b0", 1.0, 1.0, 224),
    _efficientnet("efficientnet_b1", 1.0, 1.1, 240),
    _efficientnet("efficientnet_b2", 1.1, 1.2, 260),
    _efficientnet("efficientnet_b3", 1.2, 1.4, 300),
    _efficientnet("efficientnet_b4", 1.4, 1.8, 380),
    _efficientnet("efficientnet_b5", 1.6, 2.2, 456),
    _efficientnet("efficientnet_b6", 1.8, 2.6, 528),
    _efficientnet("efficientnet_b7", 2.0, 3.1, 600),
    Model("efficientnetv2_s", "efficientnetv2", EFFICIENTNETV2, _SCALED, 384),
    Model("efficientnetv2_m", "efficientnetv2", EFFICIENTNETV2, _SCALED, 480),
    Model("efficientnetv2_l", "efficientnetv2", EFFICIENTNETV2, _SCALED, 480),
    *(_shufflenetv1(groups, w) for groups, widths in _SHUFFLENET_WIDTHS.items() for w in widths),
    *(_shufflenetv2(width) for width in (0.5, 1.0, 1.5, 2.0)),
    *(_by_width("ghostnet", GHOSTNET, width) for width in (0.5, 1.0, 1.3)),
    *(_by_width("ghostnetv2", GHOSTNETV2, width) for width in (1.0, 1.3, 1.6)),
    *(_by_width("ghostnetv3", GHOSTNETV3, width, FORM) for width in (0.5, 1.0, 1.3, 1.6)),
    *_sizes("resnet{}", "resnet", RESNET, ("18", "34")),
    *_sizes("resnet{}", "resnet", RESNET, ("50", "101", "152"), _RESNEXT),
    *(_regnet(f"regnet{letter}_{size}") for letter in "xy" for size in _REGNET_SIZES),
    *_sizes("convnext_{}", "convnext", CONVNEXT, ("tiny", "small", "base", "large")),
    *_sizes("wtconvnext_{}", "wtconvnext", WTCONVNEXT, ("tiny", "small", "base")),
    *_sizes("poolformer_{}", "poolformer", POOLFORMER, _POOLFORMERS, _SCALED_OR_TIMM),
    Model("efficientsam_ti", "efficientsam", EFFICIENTSAM, *_PROMPTED),
    Model("efficientsam_s", "efficientsam", EFFICIENTSAM, *_PROMPTED),
    _mobilevlm("1.7b", 24, 16, 128),
    _mobilevlm("3b", 32, 32, 80),
    *_sizes("mobilevit_{}", "mobilevit", MOBILEVIT, ("xxs", "xs", "s"), resolution=256),
    *(
        _by_width("mobilevitv2", MOBILEVITV2, width, resolution=256)
        for width in _MOBILEVITV2_WIDTHS
    ),
    *_sizes("efficientformer_{}", "efficientformer", EFFICIENTFORMER, ("l1", "l3", "l7")),
    *_sizes("efficientformerv2_{}", "efficientformerv2", EFFICIENTFORMERV2, _EFFICIENTFORMERV2S),
    *(_efficientvit(size) for size in ("b0", "b1", "b2", "b3", "l1", "l2", "l3")),
    *_sizes("efficientvit_m{}", "efficientvit_msra", EFFICIENTVIT_MSRA, "012345", (CLASSES,)),
    *_sizes("fastvit_{}", "fastvit", FASTVIT, _FASTVITS, _SCALED_WITH_FORM, 256),
    _mobileclip("s0", 256, FORM),
    _mobileclip("s1", 256, FORM),
    _mobileclip("s2", 256, FORM),
    _mobileclip("b", 224),
    *(_mobileclip2(size) for size in ("s0", "s2", "s3", "s4")),
    *(_mobileclip(s, 224, family="mobileclip2", paper=MOBILECLIP2) for s in ("b", "l14")),
    *_sizes("mobileone_s{}", "mobileone", MOBILEONE, "01234", _SCALED_IN_FORMS),
    *_sizes("starnet_{}", "starnet", STARNET, _STARNETS),
    *_sizes("repvit_m{}", "repvit", REPVIT, _REPVITS, _SCALED_IN_FORMS),
)

MODELS: Mapping[str, Model] = {model.id: model for model in _MODELS}
