"""Files are written all or none, folders too."""

import os
from pathlib import Path

import pytest

from flopscope.errors import BadInput
from flopscope.storing import write_whole


def test_a_folder_is_written_whole(tmp_path):
    package = tmp_path / "net.mlpackage"
    write_whole("net", {package: {"Data/a": b"1", "b": b"2"}, tmp_path / "c": b"3"})
    assert (package / "Data" / "a").read_bytes() == b"1"
    assert {path.name for path in tmp_path.iterdir()} == {"net.mlpackage", "c"}
    assert oct(package.stat().st_mode)[-3:] == oct((tmp_path / "c").stat().st_mode | 0o111)[-3:]


def test_a_folder_is_not_written_over_another(tmp_path):
    (tmp_path / "net").mkdir()
    with pytest.raises(BadInput) as caught:
        write_whole("net", {tmp_path / "c": b"3", tmp_path / "net": {"a": b"1"}})
    assert str(caught.value) == "cannot write 'net': File exists; give another file"
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_nothing_is_left_where_a_folder_cannot_be_put_in_place(tmp_path, monkeypatch):
    replace = os.replace

    def failing(part, file):
        if Path(file).name == "c":
            raise OSError(28, "No space left on device")
        replace(part, file)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(BadInput):
        write_whole("net", {tmp_path / "net": {"a": b"1"}, tmp_path / "c": b"3"})
    assert list(tmp_path.iterdir()) == []
