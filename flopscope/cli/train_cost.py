"""The command that says what a training run costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import target_argument
from flopscope.cli.device import device_files, device_option
from flopscope.cli.options import ARGUMENTS, FORMAT, OUTPUT, RES, positive, read_by
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput
from flopscope.readings.training import OPTIMIZERS, PRECISIONS

if TYPE_CHECKING:
    from flopscope.answers.train_cost.bill import Assumed, Span
    from flopscope.answers.train_cost.recipe import Recipe
    from flopscope.timing.device import Device

USUAL = "momentum"


def _recipe_options(run: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the training run, which the command receives as one `recipe`."""

    @click.option("--epochs", callback=positive("epochs"), help="How often each image is seen.")
    @click.option(
        "--images", callback=positive("images"), help="The images of the set, such as 1.28M."
    )
    @click.option("--batch", "train_batch", callback=positive("batch"), help="Images in a step.")
    @click.option(
        "--optimizer",
        default=USUAL,
        metavar="NAME",
        show_default=True,
        help=f"What keeps state for each weight: {', '.join(OPTIMIZERS)}.",
    )
    @click.option(
        "--accumulate",
        default="1",
        callback=positive("accumulate"),
        show_default=True,
        help="The passes, one after another, in which a step sees its batch.",
    )
    @click.option(
        "--replicas",
        default="1",
        callback=positive("replicas"),
        show_default=True,
        help="The devices that share each batch, each with all weights.",
    )
    @click.option("--ema", is_flag=True, help="Keep a moving average of the weights.")
    @click.option(
        "--precision",
        default=PRECISIONS[0],
        metavar="NAME",
        show_default=True,
        help="float32, or mixed by torch's autocast in bf16 or fp16: for what a pass keeps.",
    )
    @click.option("--drop-last", is_flag=True, help="Leave out the last batch if it is not full.")
    @wraps(run)
    def read(
        epochs: int | None,
        images: int | None,
        train_batch: int | None,
        optimizer: str,
        accumulate: int,
        replicas: int,
        ema: bool,
        drop_last: bool,
        precision: str,
        **others: Any,
    ) -> Any:
        from flopscope.answers.train_cost.recipe import Recipe

        if epochs is None or images is None or train_batch is None:
            raise BadInput(
                "a training run needs --epochs, --images and --batch; give all three, such as "
                "--epochs 350 --images 1.28M --batch 4096"
            )
        recipe = Recipe(
            epochs, images, train_batch, optimizer, accumulate, replicas, drop_last, ema, precision
        )
        return run(recipe=recipe, **others)

    return read


def _span(name: str, text: str) -> Span:
    from flopscope.answers.train_cost.bill import parse_span

    return parse_span(name, text)


def _bytes(text: str) -> int:
    from flopscope.choosing.budgets import parse_budget

    return parse_budget("--memory", "memory", text).limit


def _assumed_options(run: Callable[..., Any]) -> Callable[..., Any]:
    """The options of time and energy, which the command receives as `assumed`."""

    @click.option(
        "--accelerator", default="a100", metavar="NAME", show_default=True,
        help="The accelerator by its data sheet; a wrong name lists them.",
    )  # fmt: skip
    @click.option(
        "--utilisation", callback=read_by(partial(_span, "utilisation")), metavar="LOW:HIGH",
        help="The share of its peak that training reaches.  [default: 0.1:0.4]",
    )  # fmt: skip
    @click.option(
        "--pue", callback=read_by(partial(_span, "pue")), metavar="LOW:HIGH",
        help="What the site draws over what its computers draw.  [default: 1.1:1.58]",
    )  # fmt: skip
    @click.option(
        "--grid", callback=read_by(partial(_span, "grid")), metavar="LOW:HIGH",
        help="Grams of CO₂ for a kWh of the grid.  [default: 50:700]",
    )  # fmt: skip
    @wraps(run)
    def read(
        accelerator: str,
        utilisation: Span | None,
        pue: Span | None,
        grid: Span | None,
        **others: Any,
    ) -> Any:
        from flopscope.answers.train_cost.bill import Assumed
        from flopscope.catalog.accelerators import accelerator as named

        given = {"utilisation": utilisation, "pue": pue, "grid": grid}
        known = {name: span for name, span in given.items() if span is not None}
        return run(assumed=Assumed(named(accelerator), **known), **others)

    return read


@command("train-cost")
@target_argument("target", "TARGET")
@_recipe_options
@click.option(
    "--schedule", "schedules", multiple=True,
    help="The sizes of images over the stages: 128:300:4 (from, to, stages), 128,224,300, or "
    "128@100,224@250 with epochs; paper or code for an EfficientNetV2. Repeatable.",
)  # fmt: skip
@click.option("--teacher", metavar="TARGET", help="A network that teaches this one.")
@click.option(
    "--memory", callback=read_by(_bytes),
    help="The memory of a device, such as 24GB; what does not fit is checkpointed.",
)  # fmt: skip
@click.option("--checkpoints", is_flag=True, help="Show what checkpoints save and cost.")
@click.option("--peak", is_flag=True, help="Show the peak of a step, phase by phase.")
@RES
@click.option(
    "--input", "inputs", multiple=True,
    help="The sizes of an input of your own network, whose first one becomes the batch. "
    "Repeatable.",
)  # fmt: skip
@ARGUMENTS
@_assumed_options
@device_option("The hours by a device that was fitted to training steps.")
@FORMAT
@OUTPUT
@style_options()
@answered
def train_cost(
    target: str,
    recipe: Recipe,
    schedules: tuple[str, ...],
    teacher: str | None,
    memory: int | None,
    checkpoints: bool,
    peak: bool,
    res: tuple[int, int] | None,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    assumed: Assumed,
    device: Device | None,
) -> Answer:
    """Say what a training run costs: exact work of both passes, memory, and hours and energy as
    ranges.

    TARGET is a network of any kind but an ONNX file, as `flopscope --help` lists them; it is traced
    forward and backward at each size, which needs torch.

    \b
    flopscope train-cost resnet50 --epochs 90 --images 1.28M --batch 256
    flopscope train-cost efficientnet_b0 --epochs 350 --images 1.28M \\
        --batch 4096 --replicas 8 --schedule 128:224:4 --memory 24GB --ema
    flopscope train-cost efficientnetv2_s --epochs 350 --images 1281167 \\
        --batch 4096 --schedule paper --schedule code
    flopscope train-cost resnet50 --epochs 90 --images 1.28M --batch 256 \\
        --teacher regnety_160
    flopscope train-cost resnet50 --epochs 90 --images 1.28M --batch 256 \\
        --accelerator rtx3090 --device rtx3090-eager-amp-train

    If the memory is too small for a pass even with checkpoints, the exit status is 1.
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.target import parse_target
    from flopscope.answers.train_cost.cost import train_cost as cost
    from flopscope.answers.train_cost.hours import check_timed, predicted_hours
    from flopscope.answers.train_cost.passes import Network
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.provenance import PACKAGES, Sources
    from flopscope.present.train_cost import train_cost_document

    student = parse_target(target).taking(arguments)
    taught = None if teacher is None else parse_target(teacher)
    network = Network(student, Given(res, 1, inputs), None, taught)
    if device is not None:
        check_timed(network, device)
    with waiting(f"tracing {student.name}"):
        found = cost(network, recipe, schedules, memory, checkpoints=checkpoints, peak=peak)
        predicted = None if device is None else predicted_hours(found, device)
    both = [student] if taught is None else [student, taught]
    packages = dict.fromkeys(("torch", *(p for each in both for p in PACKAGES[each.source])))
    files = tuple(dict.fromkeys([*(p for each in both for p in each.files), *device_files()]))
    sources = Sources(CONVENTIONS["macs"], files=files, packages=tuple(packages))
    return Answer(train_cost_document(found, assumed, predicted), sources, found.fits)
