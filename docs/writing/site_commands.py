"""The reference of the command line for the documentation site, written from its parsers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from flopscope.cli.commands import COMMANDS, cli
from flopscope.cli.sections import OTHER, SECTIONS, section

README = Path(__file__).parents[2] / "README.md"
INDEX = """\
# The command line

```
flopscope [OPTIONS] COMMAND [ARGS]...
```

{help}

The exit status is 0 when an answer was given and every check passed, 1 when a check failed or a
budget is broken, and 2 for a question that makes no sense, which is answered with one sentence.

| command | what it does |
|---|---|
{rows}

## Options of all commands

{options}

```{{toctree}}
:hidden:
:maxdepth: 1

{names}
```
"""


def pages() -> Iterator[tuple[str, str]]:
    """The name and the Markdown of every page; the first is the index."""
    context = click.Context(cli, info_name="flopscope")
    rows = [f"| [`{name}`]({name}.md) | {row.summary} |" for name, row in COMMANDS.items()]
    yield (
        "index",
        INDEX.format(
            help=prose(cli.help or ""),
            rows="\n".join(rows),
            options="\n".join(_listed(cli.get_params(context), context)),
            names="\n".join(COMMANDS),
        ),
    )
    told = read_more(README.read_text(encoding="utf-8"))
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield name, _page(name, command, told.get(name, {}))


def read_more(text: str) -> Mapping[str, Mapping[str, str]]:
    """For each command, the titles of the pages about it by their paths, from the README's table.

    >>> read_more("| Which? | `flopscope list 'a*'` | [networks](docs/networks.md) |")
    {'list': {'docs/networks.md': 'networks'}}
    """
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        link = re.search(r"\| \[([^]]+)\]\(([^)]+)\) \|$", line)
        for verb in re.findall(r"`flopscope (\w+)", line) if link else ():
            found.setdefault(verb, {})[link[2]] = link[1]
    return found


def prose(text: str) -> str:
    r"""A help text as Markdown: a paragraph behind \b keeps its lines, as examples do.

    >>> print(prose("Say it.\n\n\b\nflopscope show x"))
    Say it.
    <BLANKLINE>
    ```sh
    flopscope show x
    ```
    """
    parts = inspect.cleandoc(text).split("\n\n")
    kept = [_kept(part) if part.startswith("\b") else _escaped(part) for part in parts]
    return "\n\n".join(kept).strip()


def _kept(part: str) -> str:
    lines = inspect.cleandoc(part.removeprefix("\b").strip("\n"))
    language = "sh" if lines.startswith("flopscope ") else ""
    return f"```{language}\n{lines}\n```"


def _escaped(text: str) -> str:
    """Text in which nothing but `code` is markup."""
    pieces = text.split("`")
    plain = [re.sub(r"([*_<>\[\]|])", r"\\\1", piece) for piece in pieces[::2]]
    code = [f"`{piece}`" for piece in pieces[1::2]]
    return "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))


def _page(name: str, command: click.Command, told: Mapping[str, str]) -> str:
    context = click.Context(
        command, info_name=name, parent=click.Context(cli, info_name="flopscope")
    )
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"# flopscope {name}", "", f"```\nflopscope {name} {usage}\n```", ""]
    lines += [prose(command.help or ""), ""]
    if told:
        links = ", ".join(f"[{title}](../../{path})" for path, title in told.items())
        lines += [f"Read more: {links}.", ""]
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    for heading in (*SECTIONS, OTHER):
        below = [each for each in options if section(str(each.name)) == heading]
        if below:
            lines += [f"## {heading}", "", *_listed(below, context)]
    return "\n".join(lines)


def _listed(options: list[click.Parameter], context: click.Context) -> Iterator[str]:
    """The options as a list of definitions."""
    for option in options:
        record = option.get_help_record(context)
        if record:
            term, text = record
            yield f"`{term}`\n: {_escaped(text) or '…'}\n"
