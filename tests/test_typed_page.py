"""The page on types says what a type checker finds."""

import re
from pathlib import Path

from mypy import api

import flopscope as fs

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "typed.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def checked(folder, blocks):
    """What mypy says of each block as a file. `make lint` has checked the package just before, with
    the same settings, and what it found then is read again."""
    for number, block in enumerate(blocks, 1):
        (folder / f"block{number}.py").write_text(block, encoding="utf-8")
    settings = ("--config-file", str(ROOT / "pyproject.toml"), "--strict")
    cache = ("--cache-dir", str(ROOT / ".mypy_cache"))
    said, errors, status = api.run(
        [*settings, *cache, "--no-error-summary", *map(str, sorted(folder.iterdir()))]
    )
    assert errors == ""
    return status, said


def test_mypy_finds_the_types_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert len(BLOCKS) >= 4
    wrong = "import flopscope as fs\n\nnumber: str = int(fs.analyze('mobilenetv2').macs())\n"
    status, said = checked(tmp_path, [*BLOCKS, wrong])
    (line,) = said.splitlines()
    assert line.endswith(
        f"block{len(BLOCKS) + 1}.py:3: error: Incompatible types in assignment "
        '(expression has type "int", variable has type "str")  [assignment]'
    )
    assert status == 1


def test_the_verbs_with_several_answers_are_those_of_the_page():
    several = {
        name
        for name in fs.__all__
        if "Report | " in str(getattr(getattr(fs, name), "__annotations__", {}).get("return"))
    }
    named = set(re.findall(r"`fs\.(\w+)`", PAGE.partition("Five verbs")[2].partition("```")[0]))
    assert several == named
