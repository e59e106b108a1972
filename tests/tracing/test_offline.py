"""A network is made without a download and without a question, and what does not fit is named."""

import socket
import sys
import threading

import pytest
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.tracing.loading.offline import Refused, refused, without_downloads

NETS = """
import socket, sys, urllib.request
import torch
from torch import nn

FAR = "http://weights.invalid/net.pth"

def conv(): return nn.Conv2d(3, 8, 3)

def hub():
    torch.hub.load_state_dict_from_url(FAR, progress=False)

def library():
    urllib.request.urlopen(FAR)

def numeric():
    with socket.socket() as far: far.connect(("192.0.2.1", 80))

def again():
    for _ in range(2):
        try:
            urllib.request.urlopen(FAR)
        except OSError:
            pass
    return conv()

def without():
    try:
        urllib.request.urlopen(FAR)
    except OSError:
        return conv()

def near():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    a, b = socket.socketpair()
    a.close(), b.close()
    return conv()

def asks(): return nn.Conv2d(3, int(input()), 3)

def reads(): return nn.Conv2d(3, int(sys.stdin.read()), 3)

def lines(): return nn.Conv2d(3, len(list(sys.stdin)), 3)

class Late(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = conv()

    def forward(self, x):
        library()
"""
FROM = "weights.invalid"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)


def profiled(capsys, name):
    status = main(["profile", f"nets.py:{name}", "--res", "8", "--depth", "0"])
    out, err = capsys.readouterr()
    return status, out, [line for line in err.splitlines() if not line.startswith("Downloading")]


def sentence(name, line, host=FROM):
    return (
        f"flopscope: nets.py:{name} would download from {host} at nets.py:{line}, and is counted "
        "from its code alone; leave out what loads weights, such as pretrained=True, or have the "
        "file in its cache"
    )


@pytest.mark.parametrize(
    ("name", "line", "host"),
    [
        ("hub", 11, FROM),
        ("library", 14, FROM),
        ("numeric", 17, "192.0.2.1"),
        ("again", 22, FROM),
        ("Late", 53, FROM),
    ],
)
def test_a_download_is_stopped_before_it_begins(capsys, name, line, host):
    line = {"Late": 14}.get(name, line)
    assert profiled(capsys, name) == (2, "", [sentence(name, line, host)])


def test_who_goes_on_without_is_counted_and_told(capsys):
    status, out, err = profiled(capsys, "without")
    assert (status, err) == (0, [f"{sentence('without', 29)}; it went on without"])
    assert "224" in out


def test_this_machine_may_be_reached(capsys):
    status, out, err = profiled(capsys, "near")
    assert (status, err) == (0, [])
    assert "224" in out


@pytest.mark.parametrize(("name", "line"), [("asks", 40), ("reads", 42), ("lines", 44)])
def test_a_question_is_refused(capsys, name, line):
    assert profiled(capsys, name) == (
        2,
        "",
        [
            f"flopscope: nets.py:{name} asks for input at nets.py:{line}, but nobody is there to "
            "answer; give what it asks for as an argument, such as --arg width=24"
        ],
    )


def test_afterwards_everything_is_as_before():
    before = socket.getaddrinfo, socket.gethostbyname, dict(vars(socket.socket)), sys.stdin
    with pytest.raises(BadInput):
        fs.profile("nets.py:library", res=8)
    assert before == (
        socket.getaddrinfo, socket.gethostbyname, dict(vars(socket.socket)), sys.stdin
    )  # fmt: skip


def test_threads_of_the_program_reach_what_they_reached():
    go, found = threading.Event(), []

    def look_up():
        go.wait()
        try:
            socket.getaddrinfo("weights.invalid", 80)
        except OSError as error:
            found.append(type(error))

    thread = threading.Thread(target=look_up)
    thread.start()
    with without_downloads("net.py:Net"):
        go.set()
        thread.join()
    assert found == [socket.gaierror]


def test_the_refusal_is_found_behind_the_errors_that_libraries_raise_from_it():
    first, last = Refused("no"), RuntimeError("retry")
    last.__cause__ = first
    assert refused(first) is refused(last) is first
    assert refused(RuntimeError("other")) is None


# --- a tensor that does not fit -------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.norm(self.features(x)).mean((2, 3)))


class NoPool(Net):
    def forward(self, x):
        return self.head(self.features(x))


class WrongNorm(Net):
    def forward(self, x):
        return self.norm(x)


MISFITS = [
    (Net(), (1, 4, 8, 8), "features.0 expects 3 channels and gets 4"),
    (Net(), ("B", 1, "H", "W"), "features.0 expects 3 channels and gets 1"),
    (Net(), (4, 8, 8), "features.0 expects 3 channels and gets 4"),
    (NoPool(), (1, 3, 8, 6), "head expects 8 features and gets 6"),
    (WrongNorm(), (1, 3, 8, 8), "norm expects 8 channels and gets 3"),
    (nn.Conv1d(6, 8, 3), (1, 5, 20), "Conv1d expects 6 channels and gets 5"),
]


@pytest.mark.parametrize(("module", "shape", "said"), MISFITS, ids=lambda x: str(x)[:30])
def test_the_layer_is_named_that_a_tensor_does_not_fit(module, shape, said):
    with pytest.raises(BadInput) as raised:
        fs.trace(module, shape)
    assert f": {said}" in str(raised.value)


def test_the_whole_sentence_of_a_misfit(capsys, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.conv1 = nn.Conv2d(3, 8, 3)\n\n"
        "    def forward(self, x):\n        return self.conv1(x)\n"
    )
    for command in ("profile", "compare", "check"):
        assert main([command, "net.py:Net", "--input", "1,4,8,8"]) == 2
        assert capsys.readouterr() == (
            "",
            "flopscope: net.py:Net cannot run on 1,4,8,8: conv1 expects 3 channels and gets 4 at "
            "net.py:9\n",
        )
