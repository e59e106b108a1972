"""What is built from this folder installs into an empty environment and answers there."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from flopscope.cli import main
from flopscope.pytest_plugin import MARKER
from flopscope.version import __version__

ROOT = Path(__file__).parent.parent
PACKAGES = ("flopscope", "reference_models")
BESIDE = ("CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml")
NAME = f"flopscope_analytic-{__version__}"
COMPARE = ("compare", "mobilenetv1", "mobilenetv2", "--res", "224")
BUILD = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"


def of_packages():
    """Every file of both packages, as a distribution names it."""
    found = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    return {str(p.relative_to(ROOT)) for p in found if "__pycache__" not in p.parts}


def quiet(*command, cwd):
    """The standard output of a command that must succeed, with nothing of this folder imported."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COLUMNS"))}
    ran = subprocess.run(
        list(map(str, command)), cwd=cwd, env=inherited, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the source distribution, and with the wheel that was built from it alone."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    quiet(sys.executable, "-c", BUILD, "build_sdist", folder, cwd=source)
    with tarfile.open(folder / f"{NAME}.tar.gz") as packed:
        packed.extractall(folder, filter="data")
    quiet(sys.executable, "-c", BUILD, "build_wheel", folder, cwd=folder / NAME)
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The programs of an empty environment with the wheel, which sees the dependencies here."""
    folder = tmp_path_factory.mktemp("empty")
    quiet(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet")
    quiet(*pip, "--no-deps", "--no-index", "--disable-pip-version-check", wheel, cwd=folder)
    (site,) = (folder / "venv" / "lib").glob("*/site-packages")
    folders = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(folders))
    return programs


def test_the_source_distribution_has_the_packages_and_what_is_said_about_them(built):
    with tarfile.open(built / f"{NAME}.tar.gz") as packed:
        names = {each.name.removeprefix(f"{NAME}/") for each in packed if each.isfile()}
    assert of_packages() | set(BESIDE) <= names
    others = {name.partition("/")[0] for name in names - of_packages() - set(BESIDE)}
    assert others == {"PKG-INFO", "setup.cfg", "flopscope_analytic.egg-info"}


def test_the_wheel_has_every_file_of_the_packages_and_no_other(built):
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {name for name in names if ".dist-info/" not in name} == of_packages()
    assert "flopscope/py.typed" in names
    assert f"{NAME}.dist-info/licenses/LICENSE" in names


def test_an_empty_environment_compares_two_networks(installed, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(list(COMPARE)) == 0
    assert quiet(installed / "flopscope", *COMPARE, cwd=tmp_path) == capsys.readouterr().out
    where = "import flopscope; print(flopscope.__file__)"
    assert str(installed.parent) in quiet(installed / "python", "-c", where, cwd=tmp_path)
    assert quiet(installed / "flopscope", "--version", cwd=tmp_path) == (
        f"flopscope, version {__version__}\n"
    )


def test_pytest_finds_the_plugin_of_an_installed_flopscope(installed, tmp_path):
    listed = quiet(installed / "python", "-m", "pytest", "--markers", cwd=tmp_path)
    assert f"@pytest.mark.{MARKER}" in listed.splitlines()
