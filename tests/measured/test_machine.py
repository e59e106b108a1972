"""What a machine says of itself, on machines that are made up."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from flopscope.measured.machine.anchor import anchor
from flopscope.measured.machine.energy import NVML, RAPL, Meter, _nvml, meter
from flopscope.measured.machine.naming import _of_macos, device_name
from flopscope.measured.machine.peak import memory_is, start_peak

STATUS = "Name:\tpython\nVmHWM:\t {peak} kB\nVmRSS:\t {now} kB\n"


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "status").write_text(STATUS.format(peak=50_000, now=50_000))
    return tmp_path


def test_memory_is_the_growth_to_the_peak(proc):
    grown = start_peak("cpu", proc)
    assert (proc / "clear_refs").read_text() == "5"
    (proc / "status").write_text(STATUS.format(peak=80_000, now=60_000))
    assert grown() == 30_000 * 1024


def test_memory_that_does_not_grow_is_not_stated(proc):
    assert start_peak("cpu", proc)() is None


def test_an_old_peak_that_stays_hides_the_new_one(proc):
    (proc / "status").write_text(STATUS.format(peak=90_000, now=50_000))
    grown = start_peak("cpu", proc)
    (proc / "status").write_text(STATUS.format(peak=95_000, now=60_000))
    assert grown() is None


def test_a_system_without_such_files_states_no_memory(tmp_path):
    assert start_peak("cpu", tmp_path / "none")() is None


def test_memory_of_a_gpu_is_that_of_its_allocator(monkeypatch):
    import torch

    peaks = iter([0])
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: next(peaks))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 1000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5000)
    assert start_peak("cuda")() == 4000
    assert memory_is("cuda") == "peak of torch's allocator on the GPU"


def package(folder, name, joules, limit=262_143_328_850):
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{joules * 10**6}\n")
    (folder / "max_energy_range_uj").write_text(f"{limit}\n")


def test_rapl_adds_the_packages_and_not_their_parts(tmp_path):
    package(tmp_path / "intel-rapl:0", "package-0", 10)
    package(tmp_path / "intel-rapl:1", "package-1", 20)
    package(tmp_path / "intel-rapl:0:0", "core", 5)
    package(tmp_path / "intel-rapl:2", "psys", 70)
    found = meter("cpu", tmp_path)
    assert (found.read(), found.counts, found.wraps) == (30_000.0, RAPL, None)


def test_rapl_begins_anew(tmp_path):
    package(tmp_path / "intel-rapl:0", "package-0", 10, limit=100 * 10**6)
    assert meter("cpu", tmp_path).between(90_000.0, 5_000.0) == 15_000.0


def test_a_machine_without_a_meter_that_may_be_read_has_none(tmp_path):
    assert meter("cpu", tmp_path) is None
    package(tmp_path / "intel-rapl:0", "package-0", 10)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()  # as where only root may read it
    assert meter("cpu", tmp_path) is None


class Library:
    """What stands for NVIDIA's library: it states 5 joules, or fails."""

    def __init__(self, status=0):
        self.status, self.asked = status, []

    def nvmlInit_v2(self):
        return self.status

    def nvmlDeviceGetHandleByUUID(self, identity, handle):
        self.asked.append(identity)
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, energy):
        energy._obj.value = 5000
        return 0


@pytest.fixture
def gpu(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    properties = SimpleNamespace(uuid="1234-ab")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")


def test_nvml_is_asked_about_the_gpu_that_torch_uses(gpu):
    library = Library()
    found = _nvml(lambda name: library)
    assert (found.read(), found.counts, library.asked) == (5000.0, NVML, [b"GPU-1234-ab"])
    assert device_name("cuda") == "a GPU"


def test_a_gpu_whose_library_fails_or_is_missing_has_no_meter(gpu, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library(status=9))
    with pytest.raises(OSError, match="NVML gives the status 9"):
        _nvml(lambda name: Library(status=9))
    assert meter("cuda") is None


def test_a_meter_without_a_range_never_wraps():
    assert Meter(lambda: 0.0, "").between(1.0, 3.0) == 2.0


def test_the_processor_has_the_name_that_linux_gives_it(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: Intel(R) Core(TM)  i7-12700H\n")
    assert device_name("cpu", info) == "Intel Core i7-12700H"
    info.write_text("processor : 0\nModel\t\t: Raspberry Pi 5 Model B\n")
    assert device_name("cpu", info) == "Raspberry Pi 5 Model B"


def test_the_processor_of_macos_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert _of_macos(lambda *_, **__: b"Apple M3\n") == "Apple M3"


def test_an_unknown_processor_is_said_to_be_one(monkeypatch, tmp_path):
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "")
    assert device_name("cpu", tmp_path / "none") == "unknown processor"


def test_the_anchor_is_timed():
    found = anchor()
    assert found.milliseconds > 0
    assert found.crowding >= 1
