"""The documentation site: it builds without a warning, and has a page for everything there is."""

import doctest
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import jsonschema
import pytest
import site_build
import site_schemas
import site_tables

import flopscope as fs
from flopscope.cli.commands import COMMANDS
from flopscope.timing.builtin import device_names

ROOT = Path(__file__).parent.parent
WRITERS = sorted(path.stem for path in (ROOT / "docs" / "writing").glob("site_*.py"))


def test_the_site_builds_and_has_a_page_for_everything(tmp_path):
    """One test, so that two processes do not build it twice; with few networks to explore."""
    site = built(tmp_path)
    pages_of_the_code_host(site)
    pages_of_commands_and_names(site)
    formulas_without_a_script(site)


def built(folder):
    """The folder of the built site, as `make docs` builds it: warnings, links that lead nowhere,
    addresses that a page would load from outside, and words that are misspelled are faults."""
    writer = ROOT / "docs" / "writing" / "site_build.py"
    command = [sys.executable, str(writer), "-o", str(folder), "--explored", "mobilenetv2"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout == f"wrote {folder / 'html' / 'index.html'}\n"
    assert run.returncode == 0
    return folder / "html"


def pages_of_the_code_host(site):
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    assert len(pages) > 35
    for page in pages:
        assert (site / page.relative_to(ROOT).with_suffix(".html")).exists()


def pages_of_commands_and_names(site):
    for name in COMMANDS:
        assert (site / "reference" / "cli" / f"{name}.html").exists()
    tables = (site / "reference" / "python" / "tables.html").read_text(encoding="utf-8")
    for name in fs.__all__:
        page = site / "reference" / "python" / f"{name}.html"
        assert page.exists() or f">fs.{name}<" in tables
    page = (site / "reference" / "python" / "expected_cost.html").read_text(encoding="utf-8")
    assert 'href="analyze.html#flopscope.analyze"' in page  # named in its docstring
    page = (site / "reference" / "python" / "hold.html").read_text(encoding="utf-8")
    assert 'href="reports.html#flopscope.api.hold.BudgetReport"' in page  # what it returns


def formulas_without_a_script(site):
    page = (site / "docs" / "laws.html").read_text(encoding="utf-8")
    assert page.count("<math ") == (ROOT / "docs" / "laws.md").read_text().count("```math\n")
    assert "mathjax" not in page.lower()


def test_the_gallery_has_every_picture_and_the_table_every_device():
    gallery, devices = site_tables.gallery(), site_tables.devices()
    drawn = [path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.png")]
    assert sorted(drawn) == sorted(picture for picture, *_ in site_tables.pictures())
    assert all(f"]({path})]" in gallery for path in drawn)
    for name in device_names():
        assert f"| `{name}`: " in devices
        assert f"* `{name}`: " in devices


def test_the_front_page_shows_what_the_tutorial_shows():
    """Whose blocks are run."""
    front = (ROOT / "docs" / "site" / "index.md").read_text(encoding="utf-8")
    (block,) = front.split("```console\n")[1:]
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert block.partition("```")[0] in tutorial


def test_a_schema_takes_every_answer_that_it_was_inferred_from(monkeypatch):
    lines = [line for line in site_schemas.EXAMPLES if line.startswith(("assert", "solve", "show"))]
    monkeypatch.setattr(site_schemas, "EXAMPLES", lines)
    schemas = site_schemas.schemas()
    assert list(schemas) == [f"flopscope.{n}/1" for n in ("assert", "crossing", "show", "solve")]
    for _, answer in site_schemas.answers():
        schema = schemas[answer["schema"]][1]
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(answer, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(answer | {"schema": 1}, schema)


LATER = {"calibrate", "measure", "proxies", "search", "slim"}
"""Commands whose answers are measured, fitted or searched for."""


@pytest.fixture(scope="module")
def later_answers():
    lines = [line for line in site_schemas.EXAMPLES if line.split()[0] in LATER]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(site_schemas, "EXAMPLES", lines)
        return list(site_schemas.answers())


def test_commands_that_measure_fit_and_search_have_schemas_that_other_answers_keep(
    later_answers, monkeypatch
):
    monkeypatch.setattr(site_schemas, "answers", lambda: iter(later_answers))
    schemas = site_schemas.schemas()
    assert set(schemas) == {f"flopscope.{name}/1" for name in LATER}
    for _, answer in later_answers:
        jsonschema.validate(answer, schemas[answer["schema"]][1])
    found = {name.split(".")[1].split("/")[0]: schema for name, (_, schema) in schemas.items()}
    # What is named by what was asked: families of the table, proxies, budgets.
    (calibrated,) = (a for _, a in later_answers if a["schema"] == "flopscope.calibrate/1")
    other = calibrated["calibration"] | {"families": {"resnet": 24}}
    jsonschema.validate(calibrated | {"calibration": other}, found["calibrate"])
    wrong = calibrated["calibration"] | {"families": {"resnet": "many"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(calibrated | {"calibration": wrong}, found["calibrate"])
    assert ("networks[].values.NAME", "integer or number") in site_schemas.keys(found["proxies"])
    assert ("budgets.NAME", "integer") in site_schemas.keys(found["search"])


def test_the_site_has_the_explorer_where_there_is_the_command(monkeypatch, tmp_path):
    written = []

    def explored(words):
        Path(words[-1]).write_text("<p>sliders</p>", encoding="utf-8")
        written.append(words)
        return 0

    monkeypatch.setattr(site_build, "COMMANDS", {})
    site_build.stage(tmp_path / "without", reduced=True)
    index = (tmp_path / "without" / "index.md").read_text(encoding="utf-8")
    assert "Explorer <explorer>" not in index
    monkeypatch.setattr(site_build, "COMMANDS", {"explore": None})
    monkeypatch.setattr(site_build, "flopscope_main", explored)
    site_build.stage(tmp_path / "with", reduced=True)
    page = (tmp_path / "with" / "explorer.md").read_text(encoding="utf-8")
    assert 'src="explorer-page.html"' in page
    assert [words[0] for words in written] == ["explore"]
    assert "Explorer <explorer>" in (tmp_path / "with" / "index.md").read_text(encoding="utf-8")


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">b</a> <a href="b.html#gone">b</a> <a href="c.html">c</a>'
        '<img src="https://example.org/x.png"> <a href="https://example.org">out</a>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<p id="here"></p>', encoding="utf-8")
    assert list(site_build.site_links.wrong(tmp_path)) == [
        "a.html has a link to b.html#gone, which leads nowhere",
        "a.html has a link to c.html, which leads nowhere",
        "a.html loads https://example.org/x.png",
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_the_examples_of_the_writers_hold(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_every_example_of_a_schema_is_of_a_known_command():
    verbs = {line.split()[0] for line in site_schemas.EXAMPLES}
    assert verbs <= set(COMMANDS)
    assert json.dumps(site_schemas.schema_of({"a": [1, 2.5, None]})["properties"]["a"]) == (
        '{"type": "array", "items": {"type": ["integer", "null", "number"]}}'
    )
