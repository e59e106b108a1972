"""Tables of measured latencies: what is read, what is refused, and that writing keeps all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flopscope.errors import BadInput
from flopscope.timing.latency_table import COLUMNS, latencies_csv, parse_latencies, read_latencies
from flopscope.timing.measurement import FIELDS, Latency, of_setting, one_setting

HEADER = "model,device,batch,resolution,latency_ms,throughput_ips"

FULL = Latency(
    model="mobilenetv2", device="a laptop, idle", latency_ms=12.7, catalogue="mobilenetv2:width=1",
    runtime="ort", runtime_version="onnxruntime 1.32.0", dtype="float32", threads=1, layout="nchw",
    mode="inference", batch=2, resolution=(192, 256), q25_ms=12.5, q75_ms=13.1, min_ms=12.4,
    cpu_ms=12.6, cpu_min_ms=12.3, throughput_ips=157.5, rounds=50, anchor_ms=0.7,
    memory_bytes=10**9, memory_is="growth of the process", energy_mj=80.5, energy_is="RAPL",
    date="2026-11-30", statistic="mean of the middle half", source="here", table_or_file="m.csv",
    commit="abc", note='says "so"',
)  # fmt: skip


def refusal(text: str, name: str = "m.csv") -> str:
    with pytest.raises(BadInput) as caught:
        parse_latencies(text, name)
    return str(caught.value)


def test_every_field_is_a_column():
    assert sorted(COLUMNS) == sorted(FIELDS)


@pytest.mark.parametrize("rows", [[FULL], [FULL, Latency("a", "b", 0.1 + 0.2)]])
def test_what_is_written_is_read(rows):
    assert parse_latencies(latencies_csv(rows), "m.csv") == rows


def test_a_file_is_read(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text("\ufeff" + latencies_csv([FULL]), encoding="utf-8")
    assert read_latencies(file) == [FULL]


@pytest.mark.parametrize("text", ["1e-300", "1e300"])
def test_a_time_that_nothing_takes(text):
    assert refusal(f"model,device,latency_ms\na,b,{text}\n") == (
        f"m.csv, line 2: latency_ms is '{text}', and must be from 1e-09 to 1,000,000,000"
    )


@pytest.mark.parametrize(("sign", "words"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_other_separators_are_named(sign, words):
    text = "model,device,latency_ms\na,b,2\n".replace(",", sign)
    assert refusal(text) == (
        f"the cells of 'm.csv' are separated by {words}; write commas, and decimals with a point"
    )


def test_other_columns_are_left_alone():
    (run,) = parse_latencies("model,gmacs,device,latency_ms\na,0.3,b,2\n", "m.csv")
    assert run == Latency("a", "b", 2.0)


def test_a_latency_follows_from_throughput_and_batch():
    (run,) = parse_latencies("model,device,batch,throughput_ips\na,b,64,1000\n", "m.csv")
    assert run.latency_ms == 64.0


def test_integers_of_data_frames_are_integers():
    (run,) = parse_latencies(f"{HEADER}\na,b,1.0,224.0,2,\n", "m.csv")
    assert (run.batch, run.resolution) == (1, (224, 224))


@pytest.mark.parametrize(
    ("name", "columns", "facts"),
    [
        (
            "results/benchmark-infer-amp-nchw-pt240-cu124-rtx4090-dynamo.csv",
            "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count",
            ("cu124-rtx4090", "inductor", "torch 2.4.0", "amp", None, "nchw", "inference"),
        ),
        (
            "benchmark-infer-fp32-nhwc-pt113-cpu-i9_10940x.csv",
            "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,infer_macts",
            ("cpu-i9_10940x", "eager", "torch 1.13", "float32", None, "nhwc", "inference"),
        ),
        (
            "benchmark-train-amp-nchw-pt112-cu113-rtx3090.csv",
            "model,train_img_size,train_samples_per_sec,train_step_time,train_batch_size,param_count",
            ("cu113-rtx3090", "eager", "torch 1.12", "amp", None, "nchw", "training"),
        ),
    ],
)
def test_tables_of_timm_are_read_as_they_are(name, columns, facts):
    (run,) = parse_latencies(f"{columns}\ntest_vit,160,109337.21,9.356,1024,0.37\n", name)
    assert tuple(run.setting) == facts
    assert (run.latency_ms, run.throughput_ips, run.batch) == (9.356, 109337.21, 1024)
    assert run.resolution == (160, 160)


def test_a_table_of_timm_with_another_name_is_refused():
    columns = "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size"
    assert refusal(f"{columns}\na,160,1,1000,1\n", "my.csv") == (
        "'my.csv' has timm's columns, which do not say the device; give the file the name that "
        "timm gives it, such as benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,b,1,224,0,", "latency_ms is '0', and must be a number above 0"),
        ("a,b,1,224,-3,", "latency_ms is '-3', and must be a number above 0"),
        ("a,b,1,224,nan,", "latency_ms is 'nan', and must be a number above 0"),
        ("a,b,1,224,inf,", "latency_ms is 'inf', and must be a number above 0"),
        ("a,b,1,224,12 ms,", "latency_ms is '12 ms', and must be a number above 0"),
        ("a,b,0,224,3,", "batch is '0', and must be an integer from 1"),
        ("a,b,1.5,224,3,", "batch is '1.5', and must be an integer from 1"),
        (
            "a,b,1,big,3,",
            "resolution is 'big', and must be one size or height×width, such as 224 or 192x256",
        ),
        (",b,1,224,3,", "a measured latency needs a model, and this one has none"),
        ("a,,1,224,3,", "a measured latency needs a device, and this one has none"),
        ("a,b,1,224,,", "it states neither latency_ms nor throughput_ips; give one of them"),
        (
            "a,b,,224,,10",
            "it states throughput_ips without a batch, from which no latency follows; give the "
            "batch or latency_ms",
        ),
        (
            "a,b,64,224,3,333",
            "latency_ms 3 for a batch of 64 is 2.133e+04 images a second, but throughput_ips says "
            "333; the latency must be that of the whole batch, in milliseconds",
        ),
        (
            "a,b,1",
            "3 cells, but the header has 6; give each row one cell for each column",
        ),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(row, said):
    assert refusal(f"{HEADER}\na,b,1,224,3,\n\n{row}\n") == f"m.csv, line 4: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'m.csv' has no row; give a CSV file with a header and a row a latency"),
        (
            "model,device,latency_ms\n",
            "'m.csv' has no row; give a CSV file with a header and a row a latency",
        ),
        (
            "model,latency_ms\na,3\n",
            "'m.csv' has no column 'device'; a table of latencies has model, device and "
            "latency_ms, or throughput_ips and batch, and may have runtime, runtime_version, "
            "dtype, threads, batch or resolution",
        ),
        (
            "model,device,batch\na,b,3\n",
            "'m.csv' has no column 'latency_ms'; a table of latencies has model, device and "
            "latency_ms, or throughput_ips and batch, and may have runtime, runtime_version, "
            "dtype, threads, batch or resolution",
        ),
        (
            "model,device,latency_us\na,b,3\n",
            "'m.csv' has no column 'latency_ms' but 'latency_us'; write 'latency_ms', or give a "
            "column of your own another name",
        ),
        (
            "model,models,device,latency_ms\na,a,b,3\n",
            "'m.csv' has the columns 'model' and 'models'; give a column of your own a name that "
            "is less like it",
        ),
        ("model,device,model\na,b,c\n", "'m.csv' has the column 'model' twice; keep one of them"),
        (
            'model,device,latency_ms\na,"b"c,3\n',
            "m.csv, line 2: this is no CSV: ',' expected after '\"'",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused(text, said):
    assert refusal(text) == said


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BadInput) as missing:
        read_latencies(tmp_path / "none.csv")
    assert str(missing.value) == (
        f"cannot read '{tmp_path}/none.csv': No such file or directory; give a CSV file"
    )
    (tmp_path / "other.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput) as other:
        read_latencies(tmp_path / "other.csv")
    assert str(other.value) == f"'{tmp_path}/other.csv' is not text in UTF-8; give a CSV file"


def test_latencies_of_several_settings_are_refused_where_one_is_needed():
    with pytest.raises(BadInput) as caught:
        one_setting([FULL, replace(FULL, threads=None)])
    assert str(caught.value) == (
        "the latencies are of more than one number of threads: 1 (1), not stated (1); keep those "
        "of one"
    )
    with pytest.raises(BadInput) as none:
        one_setting([])
    assert str(none.value) == "there is no latency; give at least one"
    assert one_setting([FULL, replace(FULL, model="other", batch=4, throughput_ips=None)]) == (
        FULL.setting
    )


def test_latencies_of_a_setting_that_is_not_there_are_refused():
    with pytest.raises(BadInput) as caught:
        of_setting([FULL], device="a phone")
    assert str(caught.value) == "no latency has the device 'a phone'; there is a laptop, idle"


def test_a_loaded_machine_is_seen_for_one_thread():
    assert not FULL.is_loaded
    assert replace(FULL, cpu_ms=10.0).is_loaded
    assert replace(FULL, cpu_ms=10.0, threads=2).crowding is None


@pytest.mark.parametrize("value", [0, -1, float("nan"), True, "3", None])
def test_a_latency_is_a_positive_number(value):
    with pytest.raises(BadInput):
        Latency("a", "b", value)
