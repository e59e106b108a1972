"""What a reader's code prints is no part of the answer, and what ends the program is a failure."""

import io
import json
import os
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout

import pytest

from flopscope.errors import BadInput
from flopscope.tracing.loading.guards import ENDINGS, guarded, kept_running

NETS = """
import builtins, ctypes, os, sys, threading
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        self.ends()
        return self.conv(x)

    def ends(self): pass

class InConstructor(Net):
    def __init__(self): os._exit(0)

class InForward(Net):
    def ends(self): os._exit(0)

class Replaced(Net):
    def ends(self): os.execv("/bin/true", ["true"])

class Caught(Net):
    def ends(self):
        try:
            os._exit(0)
        except BaseException:
            pass

class InThread(Net):
    def ends(self):
        thread = threading.Thread(target=lambda: os._exit(0))
        thread.start()
        thread.join()

class Raises(Net):
    def ends(self): raise SystemExit

class Exits(Net):
    def ends(self): sys.exit(0)

class Forks(Net):
    def ends(self):
        child = os.fork()
        if child == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

class Late(Net):
    def ends(self):
        def late():
            builtins.go.wait()
            os._exit(0)
        threading.Thread(target=late).start()

class Prints(Net):
    def ends(self):
        print("by print")
        os.write(1, b"by a descriptor\\n")
        os.system("echo by a program")
        sys.__stdout__.write("by its own stream\\n")
        ctypes.CDLL(None).puts(b"by C")

print("as it is imported")
"""
ENDS = "its code ends the program at nets.py"
CURE = "; take out what ends the program, or keep it under if __name__ == '__main__'"
SAID = {
    "InConstructor": f"could not be made with no arguments: {ENDS}:17",
    "InForward": f"cannot run on 1,3,8,8: {ENDS}:20",
    "Replaced": f"cannot run on 1,3,8,8: {ENDS}:23",
    "Caught": f"cannot be counted: {ENDS}:28{CURE}",
    "InThread": f"cannot be counted: {ENDS}:34{CURE}",
    "Raises": f"cannot run on 1,3,8,8: {ENDS}:39",
    "Exits": f"cannot run on 1,3,8,8: {ENDS}:42",
}
ALL = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from flopscope.cli import main

found = {}
for name in sys.argv[1:]:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        words = ["assert", f"nets.py:{name}", "--max-macs", "1G", "--res", "8"]
        found[name] = (main(words), out.getvalue(), err.getvalue())
print(json.dumps(found))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path


def ran(folder, *words):
    """What Python makes of these words there: status, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_no_way_to_end_the_program_keeps_a_budget(folder):
    """In a process of its own, which such code would end."""
    status, out, _ = ran(folder, "-c", ALL, *SAID, "Forks")
    assert status == 0
    found = json.loads(out)
    status, out, err = found.pop("Forks")
    assert (status, out.count("kept"), err) == (0, 1, "as it is imported\n")
    assert found == {
        name: [2, "", f"as it is imported\nflopscope: nets.py:{name} {said}\n"]
        for name, said in SAID.items()
    }


def test_a_thread_that_is_left_running_does_not_change_the_status(folder):
    program = """
import builtins, sys, threading
from flopscope.cli import main

builtins.go = threading.Event()
status = main(["assert", "nets.py:Late", "--max-macs", "1", "--res", "8"])
builtins.go.set()
for thread in {*threading.enumerate()} - {threading.current_thread()}:
    thread.join()
sys.exit(status)
"""
    status, out, _ = ran(folder, "-c", program)
    assert (status, out.count("broken")) == (1, 1)


def test_standard_output_is_the_answer_alone(folder):
    words = ["assert", "nets.py:Prints", "--max-macs", "1G", "--res", "8", "--format", "json"]
    status, out, err = ran(folder, "-m", "flopscope", *words)
    assert status == 0
    assert [budget["kept"] for budget in json.loads(out)["budgets"]] == [True]
    assert sorted(err.splitlines()) == [
        "as it is imported",
        "by C",
        "by a descriptor",
        "by a program",
        "by its own stream",
        "by print",
    ]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_left_closed(folder, closed):
    line = f"{sys.executable} -m flopscope assert nets.py:Net --max-macs 1 --res 8 {closed}"
    assert subprocess.run(["sh", "-c", line], cwd=folder, check=False).returncode == 1


def functions():
    return [getattr(module, name) for module, name in ENDINGS]


def test_everything_is_put_back():
    before, out = functions(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()) as err:
        with guarded("net.py:Net"):
            assert not set(before) & set(functions())
            sys.stdout.write("aside\n")
        sys.stdout.write("answer\n")
    assert functions() == before
    assert (out.getvalue(), err.getvalue()) == ("answer\n", "aside\n")


def test_an_end_that_nothing_else_meets_is_refused():
    before = functions()
    with pytest.raises(BadInput) as raised, kept_running("net.py:Net"):
        raise SystemExit(0)
    assert str(raised.value).startswith("net.py:Net cannot be counted: its code ends the program")
    assert functions() == before


def test_a_thread_from_before_ends_the_program_as_ever(monkeypatch):
    """The runner of these tests, say, that stops one after a minute."""
    ended, go, done = [], threading.Event(), threading.Event()
    monkeypatch.setattr(os, "_exit", ended.append)

    def watch():
        go.wait()
        os._exit(3)
        done.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with kept_running("net.py:Net"):
        go.set()
        watcher.join()
    assert (ended, done.is_set()) == ([3], True)
