"""The command about all designs of a design space at once."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.answering import Answer, answered
from flopscope.cli.completing import space_argument
from flopscope.cli.options import FORMAT, OUTPUT, natural, plot_options, positive
from flopscope.cli.progress import counting, on_terminal
from flopscope.cli.quantities import ADDITIVE, budget_options
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options
from flopscope.errors import BadInput, listed
from flopscope.numerals import integer_from, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.space import Census
    from flopscope.choosing.budgets import Budget
    from flopscope.cli.options import Plot


def _ranks(context: click.Context, parameter: click.Parameter, texts: Any) -> tuple[int, ...]:
    found = []
    for text in texts:
        rank = integer_from(text, 1)
        if rank is None:
            raise BadInput(f"--kth {text} is not a positive integer; give one such as 1 or 1e18")
        found.append(rank)
    return tuple(found)


def _shares(context: click.Context, parameter: click.Parameter, texts: Any) -> tuple[Fraction, ...]:
    return tuple(map(share, texts))


def share(text: str) -> Fraction:
    """'0.1' or '10%' as a share. Raises BadInput for any other text.

    >>> share("0.1") == share("10 %")
    True
    """
    percent = text.rstrip().endswith("%")
    value = number(text.rstrip().removesuffix("%").rstrip() if percent else text)
    value = None if value is None else value / (100 if percent else 1)
    if value is None or not 0 < value <= 1:
        raise BadInput(
            f"--quantile {text} is not a share above 0 and at most 1; give one such as 0.1 or 10%"
        )
    return value


SPACE_RES = click.option(
    "--res",
    callback=positive("res"),
    metavar="SIDE",
    help="The side of the square input. Without it, the space's own.",
)


def latency_options(words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds --max-latency, of which `words` say what is done with the networks, and --batch."""

    def added(to: Callable[..., Any]) -> Callable[..., Any]:
        batch = click.option(
            "--batch", callback=positive("batch"), metavar="N",
            help="The images of a run on the device of --max-latency.  [default: the commonest "
            "there]",
        )  # fmt: skip
        latency = click.option(
            "--max-latency", metavar="DEVICE:TIME",
            help=f"{words} networks with a predicted time of at most TIME on a device, such as "
            "pixel3-cpu-tflite:15ms or device.json:15ms; or FILE.csv:N, at most N by a table of "
            "latencies, in its unit.",
        )  # fmt: skip
        return latency(batch(to))

    return added


def file_in(text: str) -> str:
    """The file in 'own.csv', 'own.csv:top1', 'own.py:score' or 'device.json'; empty where there is
    none."""
    for ending in (".csv", ".py", ".json"):
        before, found, column = text.rpartition(ending)
        if found and (not column or column.startswith(":")):
            return before + ending
    return ""


@command()
@space_argument
@SPACE_RES
@click.option(
    "--of",
    "quantity",
    help=f"The cost whose distribution it is: {listed(ADDITIVE)}.  [default: that of the first "
    "budget, or macs]",
)
@budget_options("--max-{}", "Count and draw networks of at most {}.")
@latency_options("Count and draw")
@click.option("--count", is_flag=True, help="How many networks keep each budget.")
@click.option(
    "--kth", "ranks", multiple=True, callback=_ranks, metavar="N",
    help="The cost of the N-th cheapest network, such as 1e18. Repeatable.",
)  # fmt: skip
@click.option(
    "--quantile", "quantiles", multiple=True, callback=_shares, metavar="SHARE",
    help="The cost that this share of all networks keeps, such as 0.1 or 10%. Repeatable.",
)  # fmt: skip
@click.option(
    "--design", "designs", multiple=True, metavar="DESIGN",
    help="The cost of a design, and how many networks cost no more. Repeatable.",
)  # fmt: skip
@click.option("--histogram", is_flag=True, help="How the costs of all networks are spread.")
@click.option(
    "--sample", callback=positive("sample"), metavar="N",
    help="Draw N networks, uniformly from all that keep the budgets.",
)  # fmt: skip
@click.option("--seed", callback=natural("seed"), help="The seed of the sample.  [default: 0]")
@click.option(
    "--encodings", is_flag=True,
    help="Count the ways in which the authors of the space write networks down, not the networks.",
)  # fmt: skip
@FORMAT
@OUTPUT
@plot_options()
@style_options()
@answered
def space(
    target: str,
    res: int | None,
    quantity: str | None,
    budgets: list[Budget],
    max_latency: str | None,
    batch: int | None,
    count: bool,
    ranks: tuple[int, ...],
    quantiles: tuple[Fraction, ...],
    designs: tuple[str, ...],
    histogram: bool,
    sample: int | None,
    seed: int | None,
    encodings: bool,
) -> Answer:
    """Count all designs of a design space exactly, without listing them.

    SPACE is ofa_mobilenetv3, proxylessnas, nas_bench_macro, nas_bench_201 or another that
    docs/spaces.md lists, or one of your own, space.py:NAME.

    \b
    flopscope space ofa_mobilenetv3 --max-macs 300M
    flopscope space ofa_mobilenetv3 --kth 1e18 --quantile 0.1 --histogram
    flopscope space ofa_mobilenetv3 --res 192 --max-macs 200M --sample 100
    flopscope space ofa_mobilenetv3 --max-latency pixel3-cpu-tflite:25ms
    flopscope space nas_bench_macro --of params --plot params.pdf

    Numbers are integers of any size, and exact. The first answer about a space takes some seconds;
    it is kept in the folder for caches of your system, or that of FLOPSCOPE_CACHE. The exit status
    is 1 if no network keeps a budget.
    """
    from flopscope.answers.space import census
    from flopscope.answers.spacequestions import Questions, with_seed
    from flopscope.conventions import CONVENTIONS
    from flopscope.designspaces.store import VARIABLE, folder
    from flopscope.present.provenance import Sources
    from flopscope.present.space import space_document

    limit = (max_latency or "").rpartition(":")[0].strip()
    most = {budget.quantity: budget.limit for budget in budgets}
    drawn = with_seed([sample], seed)
    asked = Questions(count, ranks, quantiles, designs, histogram, sample or 0, drawn)
    with counting(f"counting {target}") as tell:
        found = census(
            target, asked, of=quantity, most=most, max_latency=max_latency, res=res, batch=batch,
            encodings=encodings, tell=tell,
        )  # fmt: skip
        document = space_document(found)
        document.data  # noqa: B018 - what takes long is computed while its progress is shown
    if found.written:
        on_terminal(
            f"{-(-found.written // 10**6):,} MB are kept in {folder()} for the next question; "
            f"{VARIABLE} names another folder, or is off"
        )
    return Answer(
        document,
        Sources(
            CONVENTIONS["macs"],
            files=[path for path in (file_in(limit),) if path],
            others={"space": found.space.source},
        ),
        holds=found.holds,
        picture=_drawing(found),
    )


def _drawing(found: Census) -> Callable[[Plot], Figure]:
    def picture(plot: Plot) -> Figure:
        from flopscope.present.plots.census import spread_figure
        from flopscope.present.space_picture import spread_of

        return spread_figure(spread_of(found), plot.look)

    return picture
