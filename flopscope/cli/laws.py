"""The command that derives all laws."""

from __future__ import annotations

from flopscope.cli.answering import Answer, answered, check_asked_format
from flopscope.cli.options import PLAIN_OUTPUT, format_option
from flopscope.cli.sections import command
from flopscope.errors import listed


def _formats() -> str:
    from flopscope.present.laws import FORMATS_OF_ALL

    return listed(FORMATS_OF_ALL)


@command()
@format_option(_formats, "text")
@PLAIN_OUTPUT
@answered
def laws() -> Answer:
    """Derive the laws of efficient design from closed forms, with worked numbers.

    `flopscope formula NAME` derives one of them. docs/laws.md is the output in Markdown.
    """
    from flopscope.laws import LAWS, law
    from flopscope.present.laws import FORMATS_OF_ALL, LawPage

    check_asked_format(FORMATS_OF_ALL)
    return Answer([LawPage(name, law(name)) for name in LAWS], formats=FORMATS_OF_ALL)
