"""What the page on budgets in a project of one's own shows is what runs."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from pre_commit import clientlib

from flopscope.cli import main
from flopscope.version import __version__

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
LOCAL, REFERRED, WORKFLOW = (
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.M)
)
MANIFEST = ROOT / ".pre-commit-hooks.yaml"


def test_the_tests_of_the_page_pass_and_print_what_it_shows(pytester, monkeypatch):
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.M)
    monkeypatch.setenv("COLUMNS", "80")
    pytester.makefile(".py", test_budgets=code)
    docs = pytester.mkdir("docs")
    (docs / "net.py").write_text((ROOT / "docs" / "net.py").read_text(encoding="utf-8"))
    result = pytester.runpytest_subprocess("-p", "flopscope.pytest_plugin", "-v")
    result.assert_outcomes(passed=2)
    shown = re.search(r"^=+ budgets of networks =+\n.*?^…$", PAGE, re.DOTALL | re.M)[0]
    assert shown.removesuffix("\n…") in "\n".join(result.stdout.lines)


def commands():
    """Every command of flopscope in the page's settings."""
    for settings in (LOCAL, REFERRED):
        for repo in settings["repos"]:
            for hook in repo["hooks"]:
                yield [*shlex.split(hook.get("entry", "flopscope assert")), *hook.get("args", ())]
    for step in WORKFLOW["jobs"]["budgets"]["steps"]:
        for line in step.get("run", "").splitlines():
            if line.startswith("flopscope "):
                yield shlex.split(line)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_the_commands_of_the_page_keep_their_budgets(capsys, monkeypatch, words):
    monkeypatch.chdir(ROOT)
    assert words[:2] == ["flopscope", "assert"]
    assert main(words[1:]) == 0
    assert capsys.readouterr().err == ""


def test_the_hooks_are_those_that_pre_commit_takes():
    hooks = {hook["id"]: hook for hook in clientlib.load_manifest(MANIFEST)}
    assert list(hooks) == ["flopscope-assert", "flopscope-assert-system"]
    assert {hook["entry"] for hook in hooks.values()} == {"flopscope assert"}
    assert not any(hook["pass_filenames"] for hook in hooks.values())
    (repo,) = REFERRED["repos"]
    assert [hook["id"] for hook in repo["hooks"]] == list(hooks)
    assert repo["rev"] == f"v{__version__}"


@pytest.mark.parametrize("settings", [LOCAL, REFERRED])
def test_the_settings_are_those_that_pre_commit_takes(tmp_path, settings):
    path = tmp_path / ".pre-commit-config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert clientlib.load_config(path)["repos"]
