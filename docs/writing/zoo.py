"""The public libraries of networks: what each has, how it is built, what it takes, at which sizes.

timm's and torchvision's networks are built without weights on the meta device, transformers' and
ultralytics' small, with numbers, since some ask for the values of constants as they run.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import public_models
import torch
from torch import nn

from flopscope.tracing.inputs import Input
from flopscope.tracing.loading.targets import load

Sizes = Mapping[str, Any]
"""By name: numbers, or symbols where they are free."""


class Subject(NamedTuple):
    """A network, its own size, others to try (the first that it takes is used), and its inputs."""

    module: nn.Module
    own: Sizes
    others: tuple[Sizes, ...]
    inputs: Callable[[Sizes], tuple[tuple[Any, ...], dict[str, Any]]]


def images(s: Sizes) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return ((s["B"], 3, s["H"], s["W"]),), {}


def clips(s: Sizes) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return ((s["B"], 3, 16, s["H"], s["W"]),), {}


def pairs(s: Sizes) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return ((s["B"], 3, s["H"], s["W"]),) * 2, {}


def pictures(s: Sizes) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A list of pictures, of no batch."""
    return ([(3, s["H"], s["W"])],), {}


def grids(height: int, width: int) -> tuple[Sizes, ...]:
    """The network's own size, then odd ones, and at last multiples of what it may insist on."""
    odd = (height - 37, width + 27), (height - 5, width), (height - 1, width)
    whole = (height + 32, width + 64), (2 * height, 2 * width), (height, width + 8)
    sizes: list[Sizes] = [{"B": 1, "H": height, "W": width}]
    return (*sizes, *({"B": 2, "H": h, "W": w} for h, w in (*odd, *whole)))


# --- timm and torchvision -------------------------------------------------------------------------


def timm_names() -> list[str]:
    names: list[str] = public_models.timm().list_models()
    return names


def timm_model(name: str) -> Subject:
    module = load(f"timm:{name}").to("meta").eval()
    _, height, width = module.default_cfg["input_size"]
    own, *others = grids(height, width)
    return Subject(module, own, tuple(others), images)


def torchvision_names() -> list[str]:
    names: list[str] = public_models.torchvision().models.list_models()
    return names


TAKES: Mapping[str, Any] = {"detection": pictures, "optical_flow": pairs, "video": clips}
"""By the package that a network of torchvision is in; others take images."""

FLOW, PICTURE = (128, 192), (320, 320)
"""Height and width where torchvision's weights do not say: of pairs for flow, of pictures."""


def torchvision_model(name: str) -> Subject:
    """A `quantized_…` name gives its float twin, which is what its builder makes by itself."""
    models = public_models.torchvision().models
    module = load(f"torchvision:{name}").to("meta").eval()
    place = models.get_model_builder(name).__module__.split(".")[2]
    transforms = models.get_model_weights(name).DEFAULT.transforms()
    built_for = getattr(module, "image_size", None)  # which weights may exceed
    given = getattr(transforms, "crop_size", None) or getattr(transforms, "resize_size", None)
    size = [built_for] if isinstance(built_for, int) else given
    unsaid = FLOW if place == "optical_flow" else PICTURE
    height, width = unsaid if not size else (size[0], size[-1])
    own, *others = grids(height, width)
    return Subject(module, own, tuple(others), TAKES.get(place, images))


# --- transformers, at small configurations --------------------------------------------------------

TEXT = """
    bert roberta distilbert albert electra gpt2 gpt_neo gpt_neox gptj llama mistral mixtral qwen2
    qwen2_moe qwen3 gemma gemma2 phi phi3 opt bloom falcon mpt xlnet xlm-roberta mobilebert
    squeezebert deberta deberta-v2 rembert roformer convbert fnet mpnet ernie camembert olmo
    starcoder2 stablelm persimmon cohere granite modernbert codegen biogpt xglm megatron-bert
    layoutlm yoso nystromformer mamba ibert canine
""".split()

TRANSLATION = "t5 bart pegasus mvp".split()

VISION = """
    vit deit beit resnet regnet mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 segformer dinov2
    levit poolformer cvt efficientnet focalnet bit data2vec-vision dpt siglip_vision_model
    clip_vision_model swinv2 vit_mae vit_msn detr
""".split()

NUMBERS = {
    32: "hidden_size n_embd d_model dim embedding_size word_embed_proj_dim hidden_dim "
    "shared_expert_intermediate_size",
    2: "num_hidden_layers n_layer num_layers encoder_layers decoder_layers n_layers "
    "num_key_value_heads num_experts_per_tok eos_token_id",
    4: "num_attention_heads n_head num_heads encoder_attention_heads decoder_attention_heads "
    "n_heads num_experts num_local_experts",
    64: "intermediate_size d_ff encoder_ffn_dim decoder_ffn_dim max_position_embeddings ffn_dim "
    "n_positions",
    8: "d_kv head_dim rotary_dim",
    16: "moe_intermediate_size",
    120: "vocab_size",
    0: "pad_token_id",
    1: "bos_token_id",
}
SMALL: Mapping[str, Any] = {
    **{key: number for number, keys in NUMBERS.items() for key in keys.split()},
    "attention_types": [[["global"], 2]],
}
"""What configurations call their sizes, and a small number for each."""

KEPT_IN_VISION = "hidden_size num_hidden_layers num_attention_heads intermediate_size".split()


def transformers_names() -> list[str]:
    return [*TEXT, *TRANSLATION, *VISION]


def transformers_model(name: str) -> Subject:
    os.environ["HF_HUB_OFFLINE"] = "1"
    public_models.torchvision()  # which transformers asks for
    from transformers import AutoConfig, AutoModel, logging

    logging.set_verbosity_error()
    known = AutoConfig.for_model(name)
    keys = {*known.to_dict(), *getattr(known, "attribute_map", {})}
    small = {k: v for k, v in SMALL.items() if k in keys and _replaces(getattr(known, k, None), v)}
    if name in VISION:
        small = {k: v for k, v in small.items() if k in KEPT_IN_VISION}
        small |= {"image_size": 64} if hasattr(known, "image_size") else {}
    small |= {"hidden_dim": 64} if name == "distilbert" else {}
    config = AutoConfig.for_model(name, **small)
    with contextlib.suppress(Exception):  # a configuration that knows no cache
        config.use_cache = False
    module = AutoModel.from_config(config, attn_implementation="eager").eval()
    if name in VISION:
        own, *others = grids(64, 64)
        return Subject(module, own, tuple(others), lambda s: ((), _pixels(s)))
    own, odd = {"B": 2, "T": 16, "S": 8}, {"B": 3, "T": 21, "S": 13}
    if name in TRANSLATION:
        return Subject(module, own, (odd,), lambda s: ((), {**_tokens(s), **_targets(s)}))
    return Subject(module, _text(own), (_text(odd),), lambda s: ((), _tokens(s)))


def _replaces(value: Any, small: Any) -> bool:
    return isinstance(value, list | tuple) == isinstance(small, list | tuple)


def _text(sizes: Sizes) -> Sizes:
    return {name: sizes[name] for name in ("B", "T")}


def _pixels(s: Sizes) -> dict[str, Any]:
    return {"pixel_values": (s["B"], 3, s["H"], s["W"])}


def _tokens(s: Sizes) -> dict[str, Any]:
    return {"input_ids": Input((s["B"], s["T"]), torch.int64)}


def _targets(s: Sizes) -> dict[str, Any]:
    return {"decoder_input_ids": Input((s["B"], s["S"]), torch.int64)}


# --- ultralytics ----------------------------------------------------------------------------------

DETECTORS: Mapping[str, str] = {
    "yolov3-tiny": "DetectionModel",
    "yolov5n": "DetectionModel",
    "yolov6n": "DetectionModel",
    "yolov8n": "DetectionModel",
    "yolov8n-seg": "SegmentationModel",
    "yolov8n-pose": "PoseModel",
    "yolov8n-obb": "OBBModel",
    "yolov8n-cls": "ClassificationModel",
    "yolov9t": "DetectionModel",
    "yolov10n": "DetectionModel",
    "yolo11n": "DetectionModel",
    "yolo11n-seg": "SegmentationModel",
    "yolo12n": "DetectionModel",
    "yolov8-rtdetr": "RTDETRDetectionModel",
    "rtdetr-l": "RTDETRDetectionModel",
}


def ultralytics_model(name: str) -> Subject:
    os.environ["YOLO_OFFLINE"] = "1"
    public_models.torchvision()
    tasks = importlib.import_module("ultralytics.nn.tasks")
    with contextlib.redirect_stdout(io.StringIO()):
        module = getattr(tasks, DETECTORS[name])(f"{name}.yaml", verbose=False).eval()
    others = tuple({"B": 2, "H": h, "W": w} for h, w in ((96, 160), (128, 128)))
    return Subject(module, {"B": 1, "H": 64, "W": 64}, others, images)


# --- all of them ----------------------------------------------------------------------------------


class Library(NamedTuple):
    """Names, and what builds one."""

    names: Callable[[], list[str]]
    build: Callable[[str], Subject]


LIBRARIES: Mapping[str, Library] = {
    "torchvision": Library(torchvision_names, torchvision_model),
    "timm": Library(timm_names, timm_model),
    "transformers": Library(transformers_names, transformers_model),
    "ultralytics": Library(lambda: list(DETECTORS), ultralytics_model),
}


def installed() -> dict[str, str]:
    """The libraries that are here, with their versions."""
    here = [name for name in LIBRARIES if importlib.util.find_spec(name) is not None]
    return {name: importlib.metadata.version(name) for name in here}


def subject(target: str) -> Subject:
    """The network that a name with its library names."""
    library, _, name = target.partition(":")
    return LIBRARIES[library].build(name)
