"""A sign of life on a terminal's standard error, nothing anywhere else."""

import io
import sys

import pytest
from profiles import FOLDER

from flopscope.cli import main
from flopscope.cli.progress import counting, waiting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def on_a_terminal(monkeypatch):
    """Makes standard error one; pytest sets its own between a fixture and the test."""

    def connect():
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    monkeypatch.setenv("TERM", "xterm")
    return connect


def test_a_terminal_reads_what_is_done(on_a_terminal, capsys):
    terminal = on_a_terminal()
    with waiting("tracing [net]"):
        pass
    assert "tracing [net]" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_a_terminal_reads_how_much_is_done(on_a_terminal, capsys):
    terminal = on_a_terminal()
    with counting("counting [net]") as tell:
        tell(3, 12)
    assert "counting [net]" in terminal.getvalue()
    assert "3/12" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_elsewhere_nothing_is_told_how_much_is_done(capsys):
    with counting("counting") as tell:
        tell(3, 12)
    assert capsys.readouterr() == ("", "")


def test_it_ends_with_what_it_waits_for(on_a_terminal):
    terminal = on_a_terminal()
    with pytest.raises(KeyError), waiting("tracing"):
        raise KeyError
    assert terminal.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # cursor shown, line removed


def test_nothing_is_written_where_no_one_reads(capsys):
    with waiting("tracing"):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("profile", "nets.py:Net", "--res", "32"), "tracing nets.py:Net"),
        (("check", "mobilenetv1:width=0.25", "--res", "32"), "checking mobilenetv1:width=0.25"),
        (("check", "mobilenetv1", "--prove"), "proving mobilenetv1"),
        (("compare", "mobilenetv1", "--res", "32", "--check"), "checking mobilenetv1"),
        (("compare", "mobilenetv1", "--res", "32"), ""),
    ],
)
def test_commands_that_run_a_network_say_so(on_a_terminal, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(FOLDER)
    terminal = on_a_terminal()
    assert main(list(arguments)) == 0
    written = terminal.getvalue()
    assert said in written if said else written == ""
    assert said not in capsys.readouterr().out or not said
