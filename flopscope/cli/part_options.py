"""The options of the commands that take a network apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flopscope.cli.columns import columns_option
from flopscope.cli.options import (
    CONVENTION,
    FORM,
    OUTPUT,
    SCALE,
    format_option,
    natural,
    positive,
    read_by,
    res_option,
    table_formats,
)
from flopscope.cli.quantities import ADDITIVE
from flopscope.errors import BadInput, listed
from flopscope.numerals import integer_from

if TYPE_CHECKING:
    from flopscope.catalog.scaling import Scaling
    from flopscope.conventions import Convention


class Asked(NamedTuple):
    """What the options say: the inputs and arguments of the network, and how it is laid out."""

    inputs: tuple[str, ...]
    res: tuple[int, int] | None
    batch: int | None
    scaling: Scaling | None
    form: str | None
    arguments: tuple[str, ...]
    examples: tuple[str, ...]
    rules: str | None
    convention: Convention
    by: str
    depth: int | None
    sort: str | None
    columns: str | None
    backward: bool
    epoch: int | None
    strict: bool


def _images(text: str) -> int:
    images = integer_from(text, 1)
    if images is None:
        raise BadInput(f"--epoch {text} is not a number of images; give one such as 1.28M")
    return images


def part_options(by: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the options, which the command receives as one `Asked`. Without --by the split is this
    one."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def folded(target: str, **given: Any) -> Any:
            own = {name: given.pop(name) for name in Asked._fields}
            return command(target=target, given=Asked(**own), **given)

        found: Callable[..., Any] = folded
        for option in reversed((*_INPUTS, _split(by), *_LAYOUT)):
            found = option(found)
        return found

    return decorated


def _split(by: str) -> Callable[..., Any]:
    return click.option(
        "--by",
        default=by,
        show_default=True,
        help="What a line of the table is: module, in a tree; layer, operator (a kind of it), "
        "stage or block, in a flat list.",
    )


_INPUTS = (
    click.option(
        "--input",
        "inputs",
        multiple=True,
        help="The sizes of an input, 1,3,224,224, B,3,H,W or ids=B,T:int64. Repeatable.",
    ),
    res_option(
        "The size of an input image, 224 or HxW as in 192x256; short for --input 1,3,SIZE,SIZE."
    ),
    click.option(
        "--batch",
        callback=positive("batch"),
        help="The batch size, where --input does not give it.",
    ),
    SCALE,
    FORM,
    click.option(
        "--arg",
        "arguments",
        multiple=True,
        help="An argument of the target: width=24, act=nn.GELU, 'config=Config(width=24)'. "
        "Repeatable.",
    ),
    click.option(
        "--example",
        "examples",
        multiple=True,
        help="The value that a free size has while the target is traced, tokens=77. Repeatable.",
    ),
    click.option(
        "--rules",
        help="Rules for operators of your own, as file.py:RULES, a mapping from names to rules.",
    ),
    CONVENTION,
)
_LAYOUT = (
    click.option(
        "--depth",
        callback=natural("depth"),
        help="Fold the tree below this depth; 0 prints the total only.",
    ),
    click.option(
        "--sort",
        help="Put the largest first, or the smallest with a plus as in +macs, by count (the work "
        f"under --convention) or by {listed(ADDITIVE)}.",
    ),
    columns_option("PARTS", "Columns of the table, such as input,kernel,output,params,macs."),
    click.option(
        "--backward", is_flag=True, help="Count a training step, which has the backward pass too."
    ),
    click.option(
        "--epoch",
        callback=read_by(_images),
        metavar="IMAGES",
        help="With --backward, what an epoch of this many images costs, such as 1.28M.",
    ),
    click.option("--strict", is_flag=True, help="Exit 1 if the cost of an operator is unknown."),
    format_option(lambda: f"{table_formats()}; at free sizes python too", "table"),
    OUTPUT,
)
