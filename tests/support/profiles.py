"""What `flopscope profile` prints, for the tests of it. They run in the folder of nets.py."""

from pathlib import Path

from flopscope.cli import main

FOLDER = Path(__file__).parent
NUMBERS = ("--res", "32")
FREE = ("--input", "B,3,H,W")


def run(capsys, *arguments):
    """(exit status, standard output, standard error)."""
    status = main(["profile", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def printed(capsys, *arguments):
    """Standard output of a command that says no more."""
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    return out


def body(text):
    """What is under the title."""
    return text.partition("\n\n")[2]


def words(text):
    """The text without its line breaks."""
    return " ".join(text.split())
