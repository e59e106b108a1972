"""Published latencies: what the tables say, and that they agree with the catalogue."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pytest

import flopscope.catalog
from flopscope.catalog.latencies import (
    Trust,
    batches,
    device,
    devices,
    latencies,
    measured,
    of_network,
    sources,
)
from flopscope.catalog.names import TIMM, catalog_name
from flopscope.catalog.variant import parse
from flopscope.errors import UnknownName

FOLDER = Path(flopscope.catalog.__file__).parent / "published" / "latencies"
REPOSITORY = "huggingface/pytorch-image-models"
ROWS = [row for name in devices() for row in latencies(name)]


def test_each_device_has_one_file_and_each_file_a_device() -> None:
    files = {path.stem for path in FOLDER.glob("*.csv")} - {"devices", "sources"}
    assert files == set(devices())


def test_every_file_of_rows_has_the_same_columns() -> None:
    texts = (FOLDER.joinpath(f"{name}.csv").read_text(encoding="utf-8") for name in devices())
    headers = {tuple(next(csv.reader(text.splitlines()))) for text in texts}
    assert headers == {
        ("model", "catalogue", "resolution", "batch", "latency_ms", "throughput_ips", "source")
    }


def test_every_row_states_a_time_above_zero_and_has_a_source() -> None:
    assert len(ROWS) == 5_770 + 838 + 281
    for row in ROWS:
        stated = [n for n in (row.latency_ms, row.throughput_ips) if n is not None]
        assert stated
        assert all(n > 0 for n in stated)
    assert {row.source for row in ROWS} == set(sources().values())
    assert all(source.commit and source.file for source in sources().values())


def test_latency_and_throughput_of_one_row_belong_to_the_same_batch() -> None:
    """timm takes the throughput from the whole run and the latency from its steps, so that the two
    differ by what lies between the steps."""
    for row in ROWS:
        if row.latency_ms is not None and row.throughput_ips is not None and row.batch is not None:
            assert row.batch * 1000 / row.latency_ms == pytest.approx(
                float(row.throughput_ips), rel=0.05, abs=0.006
            ), row


def test_networks_of_the_catalogue_are_named_in_their_canonical_text() -> None:
    for name in {row.catalogue for row in ROWS if row.catalogue}:
        assert str(parse(name)) == name


def test_timm_s_names_are_those_of_the_table_of_names() -> None:
    for row in ROWS:
        if row.source.repository == REPOSITORY:
            # timm's name of a network is that of its training form, where there are two forms
            known = TIMM.get(row.model) or catalog_name(row.model)
            assert row.catalogue == (None if known is None else str(parse(known)))


def test_a_name_says_the_type_unless_it_is_float32() -> None:
    short = {"float16": "fp16", "float32": ""}
    for name, of in devices().items():
        words = name.split("-")
        assert (short.get(of.dtype, of.dtype) or "x") in [*words, "x"]
        assert of.trains == (words[-1] == "train")


def test_assumptions_are_marked() -> None:
    assert device("pixel1-cpu-tflite").assumed == "one thread"
    assert device("iphone12-coreml-fp16").assumed.startswith("float16")
    assert device("pixel3-cpu-tflite").assumed == ""


def test_a_latency_is_found_at_its_own_size_and_batch_alone() -> None:
    name, network = "pixel3-cpu-tflite", "mobilenetv1:width=0.5"
    found = measured(name, network, (128, 128), 1)
    assert found is not None
    assert found.latency_ms == Fraction(3)
    assert measured(name, network, (128, 128), 2) is None
    assert measured(name, network, (130, 130), 1) is None
    assert measured(name, "mobilenetv1:width=0.6", (128, 128), 1) is None


def test_of_two_names_of_a_network_the_one_that_pads_by_its_input_comes_second() -> None:
    at = [
        row.model
        for row in of_network("efficientnet_b0")
        if row.device.name == "rtx4090-eager-amp" and row.resolution == (224, 224)
    ]
    assert at == ["efficientnet_b0", "tf_efficientnet_b0"]


def test_the_commonest_batch_comes_first() -> None:
    assert batches("rtx4090-inductor-amp") == (256, 192, 128)
    assert batches("pixel3-gpu-tflite") == (1,)
    assert batches("a100-tensorrt-fp16") == ()  # states throughput alone


def test_an_unknown_device_offers_near_names() -> None:
    with pytest.raises(UnknownName) as raised:
        device("rtx4090")
    assert str(raised.value) == (
        "unknown device 'rtx4090'; did you mean rtx4090-eager-amp or rtx4090-inductor-amp? "
        "`flopscope latencies` lists all"
    )


def test_the_order_of_trust() -> None:
    assert [each.value for each in Trust] == [
        "measured here",
        "measured in a cited table",
        "a sister device's table times a scale",
        "predicted",
    ]
