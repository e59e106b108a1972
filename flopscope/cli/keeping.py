"""Options of a sweep of which a part is kept, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flopscope.cli.answering import Answer, asked
from flopscope.cli.options import names, positive, read_by
from flopscope.cli.progress import counting
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.target import Target
    from flopscope.cli.options import Plot
    from flopscope.conventions import Convention
    from flopscope.present.provenance import Sources
    from flopscope.present.table import Table
    from flopscope.sweeping.answer import Prepared
    from flopscope.sweeping.asking import Keep
    from flopscope.sweeping.journal import Journal
    from flopscope.sweeping.result import Reduced


class Keeping(NamedTuple):
    """What is kept of a sweep, what a frontier has more of, and who goes through its designs."""

    keep: Keep
    gains: Sequence[str]
    workers: int | None
    scheduler: str | None


def _keep(text: str) -> Keep:
    from flopscope.sweeping.asking import parse_keep

    return parse_keep(text)


def keep_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options, which the command receives as one `Keeping`, or None without --keep."""

    @click.option(
        "--keep",
        callback=read_by(_keep),
        metavar="WHAT",
        help="What to keep of grids of up to 10^12 designs: count, histogram:40, top:100, "
        "bottom:100 (of the first quantity of --of, or of the work), front, or all, which -o "
        "writes to a .csv or .parquet. Without it, every design is a row of a table.",
    )
    @click.option(
        "--gain",
        "gains",
        callback=read_by(names),
        help="Of --keep front: the free sizes and quantities of which more is better, with commas "
        "between the names. Less of the quantities of --of is better.",
    )
    @click.option(
        "--workers",
        callback=positive("workers"),
        help="With --keep: start so many processes, by Dask, and share the designs among them.",
    )
    @click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="With --keep: share the designs among the workers of a running Dask scheduler, such "
        "as tcp://127.0.0.1:8786.",
    )
    @wraps(command)
    def folded(
        keep: Keep | None,
        gains: Sequence[str] | None,
        workers: int | None,
        scheduler: str | None,
        **others: Any,
    ) -> Any:
        given = {"gain": gains, "workers": workers, "scheduler": scheduler}
        if keep is None:
            for name, value in given.items():
                if value is not None:
                    raise BadInput(f"--{name} is for --keep; give one, such as --keep front")
            return command(keeping=None, **others)
        return command(keeping=Keeping(keep, gains or (), workers, scheduler), **others)

    return folded


def check_picture(keep: Keep) -> None:
    """Raises BadInput where the picture that is asked for cannot be drawn."""
    from flopscope.present.kept_picture import check_pictured

    if asked("plot_path") is not None:
        check_pictured(keep, asked("panel"))


def kept(name: str, prepared: Callable[[], Prepared], keeping: Keeping) -> Answer:
    """The answer of a sweep of which a part is kept. `name` is the target's; `prepared` reads the
    question."""
    from flopscope.present.kept import kept_document
    from flopscope.sweeping.answer import answer
    from flopscope.sweeping.distributed import runner
    from flopscope.sweeping.writing import check_ending

    path, whole = asked("output_path"), keeping.keep.kind == "all"
    if whole:
        check_ending(path)
    check_picture(keeping.keep)
    question = prepared()
    journal = journal_of(path, question.question)
    with (
        _saying_what_is_kept(journal),
        runner(keeping.workers, keeping.scheduler) as who,
        counting(f"sweeping {name}") as tell,
    ):
        found = answer(question, runner=who, journal=journal, tell=tell)
    page = kept_document(found, path if whole else "")
    made = Answer(
        page, sources_of(found.target, found.convention), bool(found.kept),
        (lambda plot: _picture(found, plot)),
    )  # fmt: skip
    if journal is None:
        return made
    content = journal.whole if whole else in_parquet(page.tables[0])
    return made._replace(content=content, written=journal.close)


@contextmanager
def _saying_what_is_kept(journal: Journal | None) -> Iterator[None]:
    """While active, an interruption says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if journal is not None and journal.folder.is_dir():
            click.echo(f"flopscope: interrupted; {journal.goes_on}", err=True)
        raise


def sources_of(network: Target, convention: Convention, devices: Sequence[str] = ()) -> Sources:
    """What a sweep of a network rests on. `devices` are files of devices."""
    from flopscope.present.provenance import PACKAGES, Sources

    names = [network.name] if network.variant else []
    packages = (*PACKAGES[network.source], *(["pyarrow"] if _is_parquet() else []))
    return Sources(convention, names, files=(*network.files, *devices), packages=packages)


def journal_of(path: str | None, question: Mapping[str, Any]) -> Journal | None:
    """What keeps the state of a sweep whose result goes to a file; None where it goes elsewhere."""
    from flopscope.cli.files import is_stream
    from flopscope.sweeping.journal import Journal

    return None if path is None or is_stream(path) else Journal(path, question)


def check_parquet() -> None:
    """Raises BadInput where the output is a Parquet file and pyarrow is missing."""
    from flopscope.extras import require_parquet

    if _is_parquet():
        require_parquet()


def _is_parquet() -> bool:
    return str(asked("output_path") or "").lower().endswith(".parquet")


def in_parquet(table: Table) -> bytes | None:
    """The table as the bytes of a Parquet file, where the output is one."""
    if not _is_parquet():
        return None
    from flopscope.sweeping.writing import parquet

    names = [column.key for column in table.columns]
    return parquet(dict(zip(names, _cells(table), strict=True)))


def _cells(table: Table) -> list[list[Any]]:
    rows = table.raw()
    return [[row[n] for row in rows] for n in range(len(table.columns))]


def _picture(found: Reduced, plot: Plot) -> Figure:
    from flopscope.present.kept_picture import histogram_of
    from flopscope.present.plots.histogram import histogram_figure

    return histogram_figure(histogram_of(found), plot.look)
