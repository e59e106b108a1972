"""A sweep on the workers of Dask gives the same bytes as in one process."""

import pytest
from own_nets import written

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.sweeping import tiles, writing

distributed = pytest.importorskip("distributed")

FREE = "width=0.5:1.2:0.05,res=32:224:16"


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with two workers, each a process."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(tiles, "BLOCK", 50)
    monkeypatch.setattr(writing, "ROWS", 40)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("keep", ["count", "histogram:5", "top:6", "front"])
def test_two_workers_find_the_same(scheduler, keep):
    gain = "width" if keep == "front" else ()
    given = {"free": FREE, "keep": keep, "gain": gain, "max_macs": "200M"}
    alone = fs.sweep("mobilenetv2", **given)
    shared = fs.sweep("mobilenetv2", **given, scheduler=scheduler)
    assert shared.to_json() == alone.to_json()


def test_networks_with_several_formulas_and_gaps_are_the_same(scheduler, tmp_path):
    for name, free, res in (
        ("Grouped", "width=4:14:1,groups=1:4:1", 8), ("Stepped", "size=1:6:1,res=16:33:1", None),
    ):  # fmt: skip
        given = {"free": free, "res": res, "keep": "top:40", "of": "macs,peak"}
        target = f"{written(tmp_path)}:{name}"
        assert fs.sweep(target, **given, scheduler=scheduler).to_json() == (
            fs.sweep(target, **given).to_json()
        )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_two_workers_write_the_same_bytes(capsys, scheduler, tmp_path, ending):
    line = ["sweep", "mobilenetv2", "--free", FREE, "--keep", "all", "-o"]
    assert main([*line, f"alone.{ending}"]) == 0
    assert main([*line, f"shared.{ending}", "--scheduler", scheduler]) == 0
    first, second = ((tmp_path / f"{n}.{ending}").read_bytes() for n in ("alone", "shared"))
    assert first == second
    capsys.readouterr()


def test_one_flag_starts_workers():
    given = {"free": FREE, "keep": "top:6"}
    assert fs.sweep("mobilenetv2", **given, workers=1).to_json() == (
        fs.sweep("mobilenetv2", **given).to_json()
    )


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nowhere", "tcp://no.such.host.invalid:1"]
)
def test_a_scheduler_that_does_not_answer(monkeypatch, address):
    monkeypatch.setattr("flopscope.sweeping.distributed.PATIENCE", 0.5)
    with pytest.raises(BadInput) as refused:
        fs.sweep("mobilenetv2", free=FREE, keep="count", scheduler=address)
    assert str(refused.value) == (
        f"no Dask scheduler answers at '{address}'; start one with `dask scheduler` and give its "
        "address, such as tcp://127.0.0.1:8786, or leave scheduler out and give workers"
    )


def test_a_scheduler_without_workers():
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        with pytest.raises(BadInput) as refused:
            fs.sweep("mobilenetv2", free=FREE, keep="count", scheduler=address)
    assert str(refused.value) == (
        f"the Dask scheduler at '{address}' has no workers; start some with `dask worker {address}`"
    )
