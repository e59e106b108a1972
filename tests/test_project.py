"""What a project shows before anybody reads its code: version, citation, forms, hooks."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from flopscope.version import __version__

ROOT = Path(__file__).parent.parent
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
FIELDS = {
    "checkboxes": {"label", "options"},
    "dropdown": {"label", "options"},
    "input": {"label"},
    "textarea": {"label"},
}
"""What each kind of field of a form must have, by GitHub's syntax of issue forms."""
OPTIONAL = {"description", "placeholder", "render", "value", "multiple", "default"}


def test_the_newest_release_of_the_changelog_is_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    version, date = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", headings[1]).groups()
    citation = yaml.load((ROOT / "CITATION.cff").read_text(encoding="utf-8"), yaml.BaseLoader)
    assert (version, date) == (__version__, citation["date-released"])


def test_the_citation_has_what_its_format_asks_for():
    """Keys and values as by https://citation-file-format.github.io/1.2.0/schema.json."""
    citation = yaml.load((ROOT / "CITATION.cff").read_text(encoding="utf-8"), yaml.BaseLoader)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert set(citation) == {
        *("cff-version", "message", "title", "abstract", "type", "authors", "version"),
        *("date-released", "license", "keywords"),
    }
    assert citation["type"] == "software"
    assert citation["version"] == __version__
    assert citation["license"] == project["license"]
    assert citation["authors"] == project["authors"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_the_code_host_shows(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert set(form) <= {"blank_issues_enabled", "contact_links"}
        return
    assert set(form) == {"name", "description", "title", "labels", "body"}
    names = [field["id"] for field in form["body"]]
    assert len(names) == len(set(names))
    for field in form["body"]:
        needed = FIELDS[field["type"]]
        assert needed <= set(field["attributes"]) <= needed | OPTIONAL
        assert set(field) <= {"type", "id", "attributes", "validations"}


def test_there_are_forms_a_policy_and_a_template():
    assert [path.stem for path in FORMS] == ["bug", "config", "network", "wrong_number"]
    for name in ("SECURITY.md", ".github/pull_request_template.md"):
        assert (ROOT / name).stat().st_size > 300
