"""The command line as a user meets it: what it prints, what it refuses and how it leaves."""

import csv
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flopscope.catalog.models import MODELS
from flopscope.cli import cli, main
from flopscope.cli.commands import COMMANDS
from flopscope.errors import SHOWN, listed
from flopscope.present.render import FORMATS


def run(capsys, *arguments):
    """(exit status, standard output, standard error)"""
    status = main(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def printed(capsys, *arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    return out


# --- compare ------------------------------------------------------------------------------------


def test_compare_shows_the_known_points(capsys):
    out = printed(
        capsys, "compare", "mobilenetv1", "mobilenetv2", "mobilenetv3_large", "mobilenetv3_small",
        "--res", "224",
    )  # fmt: skip
    for number in ("568,740,352", "300,774,272", "216,589,760", "56,510,400"):
        assert number in out
    for number in ("4,231,976", "3,504,872", "5,483,032", "2,542,856"):
        assert number in out
    assert "219M" in out, "the paper's own figure stands beside the exact one"


def test_compare_fits_80_columns(capsys):
    models = [
        "mobilenetv1",
        "mobilenetv2",
        "mobilenetv3_large",
        "mobilenetv3_small:width=0.75,recipe=timm",
    ]
    for extra in ((), ("--by", "kind"), ("--convention", "torch")):
        out = printed(capsys, "compare", *models, "--res", "224", *extra)
        first_table = out.split("\n\n[")[0]
        assert max(map(len, first_table.splitlines())) <= 80
    two = printed(capsys, "compare", *models[:2], "--by", "stage")
    assert max(map(len, two.splitlines())) <= 80


def test_the_list_fits_80_columns_and_each_reference_is_below_it(capsys):
    lines = printed(capsys, "list").splitlines()
    assert max(map(len, lines)) <= 80
    used = {line.split()[-1] for line in lines if line.endswith("]")}
    assert used == {line.split()[0] for line in lines if line.startswith("[")}


def test_compare_json_has_the_documented_schema(capsys):
    out = printed(
        capsys,
        "compare",
        "mobilenetv1",
        "mobilenetv2:width=1.4",
        "--res",
        "192x256",
        "--format",
        "json",
    )
    data = json.loads(out)
    assert data["schema"] == "flopscope.compare/1"
    assert data["convention"] == "macs"
    second = data["models"][1]
    assert second["model"] == "mobilenetv2"
    assert second["source"] == "catalogue"
    assert second["variant"] == "width=1.4"
    assert second["resolution"] == [192, 256]
    assert second["check"] is None
    for key in ("batch", "params", "macs", "activations"):
        assert type(second[key]) is int


def test_compare_csv_holds_raw_values(capsys):
    out = printed(capsys, "compare", "mobilenetv2", "--format", "csv", "--convention", "torch")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["model"] == "mobilenetv2"
    assert int(row["flops_torch"]) == 2 * 300_774_272
    assert int(row["weight_bytes_float32"]) == 4 * 3_504_872
    assert float(row["top1"]) == 72.0


@pytest.mark.parametrize("by", ["stage", "block", "layer", "kind"])
def test_the_split_adds_up_to_the_total(capsys, by):
    out = printed(capsys, "compare", "mobilenetv3_large", "--by", by, "--format", "json")
    (model,) = json.loads(out)["models"]
    for quantity in ("params", "macs", "activations"):
        assert sum(group[quantity] for group in model["groups"]) == model[quantity]


def test_printed_columns_add_up_to_the_printed_total(capsys):
    out = printed(capsys, "show", "mobilenetv2", "--by", "stage")
    lines = [
        line.split()
        for line in out.splitlines()
        if line and line.split()[0].startswith(("stage", "stem", "head", "total"))
    ]
    lines = [line for line in lines if len(line) == 4]
    numbers = [[int(cell.replace(",", "")) for cell in line[1:3]] for line in lines]
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]


@pytest.mark.parametrize("format_name", ["table", "markdown", "latex", "csv", "json", "html"])
@pytest.mark.parametrize(
    "command", [("compare", "mobilenetv2"), ("show", "mobilenetv2"), ("list",), ("conventions",)]
)
def test_every_format_of_every_table(capsys, command, format_name):
    out = printed(capsys, *command, "--format", format_name)
    assert out.endswith("\n")
    assert not out.endswith("\n\n")
    marks = {"markdown": "| ---", "latex": r"\toprule", "json": '"schema"', "html": "<table>"}
    assert marks.get(format_name, "") in out


def test_each_model_has_its_own_resolution_without_res(capsys):
    out = printed(capsys, "compare", "mobilenetv1:rho=0.857", "mobilenetv2")
    assert "192×192" in out
    assert "224×224" in out


# --- formula ------------------------------------------------------------------------------------


def test_formula_of_a_network_is_a_sum_over_grids(capsys):
    out = printed(capsys, "formula", "mobilenetv2")
    for grid in ("⌈H/2⌉·⌈W/2⌉", "⌈H/32⌉·⌈W/32⌉"):
        assert grid in out
    assert "MACs, convention macs" in out
    assert "domain: B, H, W ≥ 1" in out


@pytest.mark.parametrize("option", ["--assume", "--when"])
def test_formula_on_multiples_is_a_polynomial(capsys, option):
    out = printed(capsys, "formula", "mobilenetv2", option, "H, W multiples of 32", "--of", "macs")
    assert "⌈" not in out
    assert "H, W multiples of 32" in out


def test_ideal_formula_is_a_polynomial_in_the_width(capsys):
    out = printed(
        capsys, "formula", "mobilenetv2", "--free", "width,classes", "--ideal", "--of", "macs"
    )
    assert "make_divisible" not in out
    assert "4,940·α" in out
    assert "α ≤ 1" in out


def test_python_formula_runs_and_counts(capsys):
    out = printed(
        capsys, "formula", "mobilenetv2", "--free", "width", "--of", "macs", "--format", "python"
    )
    namespace = {}
    exec(out, namespace)
    assert namespace["mobilenetv2_macs"](B=1, H=224, W=224, width=1.4) == 582_195_824


def test_json_formula(capsys):
    data = json.loads(printed(capsys, "formula", "separable_conv", "--format", "json"))
    assert data["schema"] == "flopscope.formula/1"
    assert data["formulas"][0]["unit"] == "MACs"
    assert data["formulas"][0]["domain"] == "B, C_in, C_out, H, W ≥ 1; K odd"


def test_latex_formula(capsys):
    out = printed(capsys, "formula", "separable_conv", "--of", "macs", "--format", "latex")
    assert r"C_{\mathrm{out}} + K^{2}" in out


def test_a_law_is_derived_with_its_numbers(capsys):
    out = printed(capsys, "formula", "separable-ratio")
    assert "separable/standard = 1/C_out + 1/K²" in out
    assert "  256  0.1150             8.694" in out.splitlines()
    assert printed(capsys, "formula", "separable-ratio", "--format", "markdown").startswith("## ")


def test_all_laws(capsys, tmp_path):
    assert printed(capsys, "laws").startswith("Law ")
    path = tmp_path / "laws.md"
    assert printed(capsys, "laws", "--format", "markdown", "-o", str(path)) == ""
    assert path.read_text(encoding="utf-8").startswith("# Laws\n")


# --- check --------------------------------------------------------------------------------------


def test_check_agrees_and_leaves_with_0(capsys):
    out = printed(capsys, "check", "mobilenetv3_small:width=0.35", "--res", "65x96")
    assert "mobilenetv3_small:width=0.35: agrees" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "differs" not in out


def test_check_leaves_with_1_on_a_difference(capsys, monkeypatch):
    from flopscope.analytic import mobilenetv2 as family

    wrong = (*family.TABLE_2[:3], family.TABLE_2[3]._replace(c=72), *family.TABLE_2[4:])
    monkeypatch.setattr(family, "TABLE_2", wrong)
    status, out, _ = run(capsys, "check", "mobilenetv2", "--res", "32")
    assert status == 1
    assert "DIFFERS" in out
    assert "stage4.block1.project_conv" in out
    status, out, _ = run(capsys, "compare", "mobilenetv2", "--res", "32", "--check")
    assert (status, "DIFFERS" in out) == (1, True)


def test_check_says_what_is_missing_without_torch():
    program = (
        "import sys; sys.modules['torch'] = None; from flopscope.cli import main; sys.exit(main())"
    )
    for arguments in (["compare", "mobilenetv1", "--check"], ["check", "mobilenetv1"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "flopscope: this needs torch and fvcore, but torch cannot be imported; "
            "install them with: pip install 'torch>=2.13' 'fvcore>=0.1.5.post20221221', or in a "
            "clone of flopscope with: make setup\n"
        )


# --- bad input ----------------------------------------------------------------------------------

NO_SIZE = "give a number such as 224, or HxW such as 192x256"
BAD = {
    ("compare", "mobilenet2"): (
        "unknown model 'mobilenet2'; did you mean mobilenetv2, mobilenetv1 or mobileone_s2?"
    ),
    ("compare", "xyz"): (
        f"unknown model 'xyz'; known are {', '.join([*MODELS][:SHOWN])} "
        f"and {len(MODELS) - SHOWN} more"
    ),
    (
        "compare",
        "mobilenetv2:widht=1",
    ): "unknown option of mobilenetv2 'widht'; did you mean width?",
    (
        "compare",
        "mobilenetv2:width=0",
    ): "width=0 is not a positive number; give a decimal such as 0.75",
    (
        "compare",
        "mobilenetv2:width=nan",
    ): "width=nan is not a positive number; give a decimal such as 0.75",
    (
        "compare",
        "mobilenetv2:width=wide",
    ): "width=wide is not a positive number; give a decimal such as 0.75",
    (
        "compare",
        "mobilenetv2:classes=0",
    ): "classes=0 is not a positive integer; give one such as 1000",
    ("compare", "mobilenetv2:width=1,width=2"): (
        "width is given twice in 'mobilenetv2:width=1,width=2'; give it once"
    ),
    (
        "compare",
        "mobilenetv2:0.75",
    ): "'0.75' in 'mobilenetv2:0.75' is not key=value; write mobilenetv2:width=…",
    (
        "compare",
        "mobilenetv2:",
    ): "'mobilenetv2:' ends in a colon without options; write mobilenetv2:width=…",
    (
        "compare",
        "mobilenetv3_large:recipe=keras",
    ): "unknown recipe 'keras'; known are paper, torchvision, timm",
    ("compare", "mobilenetv2:recipe=timm"): (
        "unknown option of mobilenetv2 'recipe'; known are width, depth, classes"
    ),
    ("compare", "mobilenetv2", "--res", "0"): f"--res 0 is not a size of at least 1; {NO_SIZE}",
    ("compare", "mobilenetv2", "--res", "-1"): f"--res -1 is not a size of at least 1; {NO_SIZE}",
    (
        "compare",
        "mobilenetv2",
        "--res",
        "22.4",
    ): f"--res 22.4 is not a size of at least 1; {NO_SIZE}",
    (
        "compare",
        "mobilenetv2",
        "--res",
        "1x2x3",
    ): f"--res 1x2x3 is not a size of at least 1; {NO_SIZE}",
    (
        "compare",
        "mobilenetv2",
        "--batch",
        "0",
    ): "--batch 0 is not a positive integer; give one such as 1",
    ("compare", "mobilenetv2", "--format", "jsno"): "unknown format 'jsno'; did you mean json?",
    ("compare", "mobilenetv2", "--by", "layers"): "unknown level 'layers'; did you mean layer?",
    (
        "compare",
        "mobilenetv2",
        "--convention",
        "trch",
    ): "unknown convention 'trch'; did you mean torch or torchinfo?",
    ("compare", "mobilenetv2", "-o", "/nowhere/x.md"): (
        "cannot write '/nowhere/x.md'; give a file in a folder that exists and is writable"
    ),
    ("show", "mobilenetv9"): (
        "unknown model 'mobilenetv9'; did you mean mobilenetv2, mobilenetv1 or mobilenetv3_small?"
    ),
    (
        "formula",
        "separable",
    ): "unknown law, block or model 'separable'; did you mean separable_conv or separable-ratio?",
    ("formula", "mobilenetv2", "--of", "mac"): "unknown quantity 'mac'; did you mean macs?",
    (
        "formula",
        "mobilenetv2",
        "--free",
        "widht",
    ): "unknown free option of mobilenetv2 'widht'; did you mean width?",
    ("formula", "mobilenetv2:width=1.4", "--free", "width"): (
        "width is fixed in 'mobilenetv2:width=1.4' and free at once; leave one of them out"
    ),
    ("formula", "separable_conv", "--free", "width"): (
        "separable_conv is a block, free in all its sizes already; leave out width"
    ),
    ("formula", "mobilenetv2", "--assume", "Z multiples of 3"): (
        "there is no free Z in these formulas; their free sizes are B, H, W"
    ),
    ("formula", "mobilenetv2", "--assume", "H multiples of 0"): (
        "H cannot be a multiple of 0; give a positive integer"
    ),
    ("formula", "mobilenetv1:rho=0.5"): (
        "'mobilenetv1:rho=0.5' scales a resolution by rho, but a formula is free in H and W; "
        "leave rho out and put ρ·R for H and W, or see resolution-law"
    ),
    ("formula", "width-law:mobilenetv1:width=0.5"): (
        "width is fixed in 'mobilenetv1:width=0.5' and free at once; leave one of them out"
    ),
    ("formula", "mobilenetv2", "--assume", "H even"): (
        "'H even' is not a condition; write it like 'H, W multiples of 32'"
    ),
    (
        "formula",
        "mobilenetv2",
        "--format",
        "html",
    ): "unknown format 'html'; known are text, latex, python, javascript, json",
    ("formula", "separable-ratio", "--ideal"): (
        "separable-ratio is a law and takes no --of, --free, --assume or --ideal"
    ),
    ("formula", "separable-ratio", "--format", "html"): (
        "unknown format 'html'; known are text, markdown, latex, python, json"
    ),
    ("laws", "--format", "json"): "unknown format 'json'; known are text, markdown",
    (
        "formula",
        "ghost_ratio",
    ): "unknown law, block or model 'ghost_ratio'; did you mean ghost-ratio or ghost_module?",
    ("formula", "separable-ratio:mobilenetv2"): (
        "separable-ratio is not a law of a network, but 'mobilenetv2' was given; leave it out"
    ),
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_sentence(capsys, arguments):
    assert run(capsys, *arguments) == (2, "", f"flopscope: {BAD[arguments]}\n")


@pytest.mark.parametrize("res", ["192x256", "192X256", "192×256", "192,256", "192 x 256"])
def test_a_size_is_read_as_it_is_printed(capsys, res):
    read = printed(capsys, "compare", "mobilenetv1", "--res", res, "--format", "json")
    assert json.loads(read)["models"][0]["resolution"] == [192, 256]


def test_usage_errors_leave_with_2(capsys):
    status, out, err = run(capsys, "compare")
    assert (status, out) == (2, "")
    assert "Missing argument" in err
    assert run(capsys, "compare", "--nonsense", "mobilenetv2")[0] == 2


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="unknown model"):
        main(["--debug", "compare", "nothing"])


# --- files --------------------------------------------------------------------------------------


def test_output_is_written_whole(capsys, tmp_path):
    target = tmp_path / "table.md"
    assert (
        printed(capsys, "compare", "mobilenetv2", "--format", "markdown", "-o", str(target)) == ""
    )
    assert target.read_text(encoding="utf-8") == printed(
        capsys, "compare", "mobilenetv2", "--format", "markdown"
    )
    assert sorted(tmp_path.iterdir()) == [target, tmp_path / "table.md.json"]


def test_bad_input_writes_nothing_and_keeps_the_old_file(capsys, tmp_path):
    target = tmp_path / "table.md"
    target.write_text("old")
    assert run(capsys, "compare", "nothing", "-o", str(target))[0] == 2
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_output_into_a_folder_is_refused(capsys, tmp_path):
    status, _, err = run(capsys, "list", "-o", str(tmp_path))
    assert status == 2
    assert err.startswith(f"flopscope: cannot write '{tmp_path}'")


def test_every_command_has_help_and_stands_in_the_readme(capsys):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        command = cli.get_command(None, name)
        assert command.name == name
        assert command.help, name
        assert f"flopscope {name}" in readme, name


def test_the_list_of_commands_has_each_in_one_line(capsys):
    listed = printed(capsys, "--help").partition("Commands:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [
        [name, row.summary] for name, row in COMMANDS.items()
    ]
    assert list(COMMANDS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_80_columns(capsys, name):
    lines = printed(capsys, *name.split(), "--help").splitlines()
    assert lines[0].startswith(f"Usage: flopscope {name}".rstrip())
    assert max(map(len, lines)) <= 80


def test_help_names_the_formats_that_a_command_has(capsys):
    def said(name):
        words = printed(capsys, name, "--help").partition("--format TEXT")[2].split()
        return " ".join(words[: words.index("[default:")])

    assert said("audit") == f"{listed(FORMATS)}."
    assert said("profile") == f"{listed(FORMATS)}; at free sizes python too."
    assert said("formula") == "text, latex, python, javascript or json; of a law markdown too."
    assert said("laws") == "text or markdown."


@pytest.mark.parametrize(
    "line",
    [
        "show mobilenetv2 --by stage",
        "list",
        "conventions",
        "solve mobilenetv2 --macs 200M --free width",
        "solve efficientnet_b0 --when conv=linear",
        "assert mobilenetv2 --max-macs 1G",
        "check mobilenetv2 --prove",
        "profile mobilenetv2 --input B,3,H,W",
    ],
)
def test_beside_every_exported_table_stands_how_it_is_made(capsys, tmp_path, line):
    target = tmp_path / "table"
    words = [*line.split(), "--format", "json", "-o", str(target)]
    assert run(capsys, *words) == (0, "", "")
    made = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert shlex.split(made["command"]) == ["flopscope", *words]
    assert made["data"] == json.loads(target.read_text(encoding="utf-8"))
    named = [word for word in words if word in MODELS and not line.startswith("profile")]
    assert list(made["formulas"]) == (named if words[0] != "assert" else [])
