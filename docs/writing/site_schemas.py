"""JSON schemas of what `--format json` prints, for the documentation site.

They are inferred from answers: each command below is run, and the schema has the keys and types of
what it printed. Schemas of the same name are merged. Where a command measures, it measures the
smallest network there is, and a device is fitted to a machine that is made up.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from flopscope.catalog.variant import parse
from flopscope.cli import main

ROOT = Path(__file__).parents[2]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
TABLE = "laptop.csv"
"""The table of measured networks from which a device is calibrated; `table` makes it up."""
EXAMPLES = (
    "advise --platform mobile --max-params 2M",
    "assert mobilenetv2 --max-macs 310M --max-params 5M",
    "assert mobilenetv2 --max-macs 300M",
    "audit mobilenetv1",
    f"calibrate --from {TABLE}",
    "check mobilenetv1:width=0.25 --res 32",
    "check mobilenetv1:width=0.25 --prove",
    "compare mobilenetv2 resnet18 --res 224",
    "compare mobilenetv2 --by stage",
    "conventions",
    "diff mobilenetv2 mobilenetv2:width=1.4",
    "formula mobilenetv2 --free width",
    "latencies mobilenetv2",
    "formula separable-ratio",
    "list 'ghost*' --max-macs 170M",
    "measure docs/net.py:Net 'docs/net.py:Net[width=8]' --res 32 --runtime eager --rounds 10",
    "measure docs/net.py:Net --res 32 --runtime eager --rounds 10 --by layer",
    "pareto --max-macs 100M --res 224",
    "predict mobilenetv2 --device i7-12700h-inductor --by kind",
    "profile mobilenetv1:width=0.25 --by layer",
    "proxies docs/net.py:Net --of params,naswot --res 32 --batch 2 --seed 1",
    "reconcile mobilenetv1 --reported 579M --params 4.2M",
    "search nas_bench_macro --maximise params --max-macs 60M",
    "search nas_bench_macro --max-macs 60M --accuracy measured --fit-rows 300 --seed 2",
    "show mobilenetv2 --by stage",
    "slim efficientformer_l1 --device pixel3-cpu-tflite",
    "solve mobilenetv3_large --macs 150M --free width",
    "solve efficientnet_b0 --when 'conv = 100 linear'",
    "space nas_bench_201 --max-macs 60M",
    "sweep mobilenetv2 --free width=0.5,1,res=160,224",
    "sweep mobilenetv2 --free width=0.5:1:0.25,res=160,224 --keep top:3",
)
BY_NAME = (
    "baselines_percent", "budgets", "families", "lacking", "left_out", "values",
)  # fmt: skip
"""The objects whose keys are names that depend on what was asked."""
MODELS = [
    f"{family}{width}"
    for family in ("mobilenetv2:width=", "shufflenetv2_x")
    for width in ("0.5", "1.0", "1.5", "2.0")
]
"""The networks of the table that is made up."""
PAGE = """\
# JSON

Every command prints one JSON object with `--format json`, and every report of Python has it as
`to_dict()`. Its `schema` names what it is and the version of that: a key that goes away or
changes its meaning raises the version, a new key does not. Counts are JSON integers, never
rounded. `FILE.json` beside each output file has the same object below `data`, with the command,
the versions and the inputs that made it.

The schemas below were inferred from the answers to the commands above them, as the site was
built. A key that only other questions have is missing in them, so they allow others. NAME stands
for names that depend on the question, such as those of budgets. `laptop.csv` are measurements that
`flopscope calibrate` wrote, here of a machine that is made up.

{parts}
"""


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each command with the object that it prints."""
    with contextlib.chdir(ROOT), tempfile.TemporaryDirectory() as folder:
        for line in EXAMPLES:
            words = shlex.split(line)
            if TABLE in words:
                words[words.index(TABLE)] = str(_written(Path(folder) / TABLE))
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), _no_columns():
                main([*words, "--format", "json"])
            yield line, json.loads(printed.getvalue())


def _written(path: Path) -> Path:
    path.write_text("\n".join(table()) + "\n", encoding="utf-8")
    return path


def table() -> Iterator[str]:
    """Two families on a machine that does a multiply-accumulate in 0.05 ns and fetches a byte of
    activations in 0.1 ns, at four widths and three input sizes."""
    yield "model,device,runtime,dtype,threads,batch,resolution,latency_ms"
    for model, size in product(MODELS, (96, 128, 160)):
        ledger = parse(model).ledger((size, size))
        taken = 5e-8 * int(ledger.macs()) + 1e-7 * int(ledger.traffic_bytes("float32"))
        yield f"{model},made up,ort,float32,1,1,{size},{taken:.6f}"


@contextlib.contextmanager
def _no_columns() -> Iterator[None]:
    before = os.environ.pop("COLUMNS", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["COLUMNS"] = before


def schema_of(value: Any) -> dict[str, Any]:
    """The JSON schema of one value.

    >>> schema_of({"macs": 3, "by": ["a", None]})["properties"]["by"]
    {'type': 'array', 'items': {'type': ['null', 'string']}}
    """
    if isinstance(value, dict):
        properties = {
            key: by_name(each) if key in BY_NAME and isinstance(each, dict) else schema_of(each)
            for key, each in value.items()
        }
        return {"type": "object", "properties": properties, "required": sorted(value)}
    if isinstance(value, list):
        items = merged(map(schema_of, value))
        return {"type": "array", **({"items": items} if items else {})}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return {"type": name}
    return {"type": "null"}


def by_name(value: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object whose keys are names: it allows any, and requires none.

    >>> by_name({"mobilenetv": 12})
    {'type': 'object', 'additionalProperties': {'type': 'integer'}}
    """
    each = merged(map(schema_of, value.values()))
    return {"type": "object", **({"additionalProperties": each} if each else {})}


def merged(schemas: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of all values that one of these describes. It may take more than they do.

    >>> merged([schema_of(1), schema_of(2.5), schema_of(None)])
    {'type': ['integer', 'null', 'number']}
    """
    each = list(schemas)
    kinds = {kind for s in each for kind in _list(s["type"])}
    if not each:
        return {}
    found: dict[str, Any] = {"type": sorted(kinds) if len(kinds) > 1 else next(iter(kinds))}
    objects = [s for s in each if "properties" in s]
    if objects:
        keys = dict.fromkeys(key for s in objects for key in s["properties"])
        found["properties"] = {
            key: merged(s["properties"][key] for s in objects if key in s["properties"])
            for key in keys
        }
        found["required"] = sorted(set.intersection(*(set(s["required"]) for s in objects)))
    for inner in ("items", "additionalProperties"):
        of_all = merged(s[inner] for s in each if inner in s)
        found |= {inner: of_all} if of_all else {}
    return found


def _list(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def schemas() -> dict[str, tuple[list[str], dict[str, Any]]]:
    """By its name each schema, with the commands whose answers it was inferred from."""
    found: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for line, answer in answers():
        name = answer["schema"]
        lines, before = found.get(name, ([], None))
        schema = schema_of(answer)
        found[name] = ([*lines, line], merged([before, schema]) if before else schema)
    return dict(sorted(found.items()))


def file_name(name: str) -> str:
    """The file of a schema.

    >>> file_name("flopscope.compare/1")
    'flopscope.compare-1.json'
    """
    return f"{name.replace('/', '-')}.json"


def write(page: Path, folder: Path) -> None:
    """Write the page, and each schema as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, (lines, schema) in schemas().items():
        schema["properties"]["schema"] = {"const": name}
        text = json.dumps({"$schema": DRAFT, "title": name, **schema}, indent=1)
        (folder / file_name(name)).write_text(text + "\n", encoding="utf-8")
        commands = "\n".join(f"flopscope {line} --format json" for line in lines)
        link = os.path.relpath(folder / file_name(name), page.parent)
        rows = "\n".join(f"| `{path}` | {kinds} |" for path, kinds in keys(schema))
        parts.append(
            f"## {name}\n\n```sh\n{commands}\n```\n\n"
            f"As a JSON schema: [{file_name(name)}]({link}).\n\n"
            f"| key | type |\n|---|---|\n{rows}"
        )
    page.write_text(PAGE.format(parts="\n\n".join(parts)), encoding="utf-8")


def keys(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every key in an object as a path, and the types of what stands there.

    >>> list(keys(schema_of({"rows": [{"macs": 1}]})))
    [('rows', 'array'), ('rows[].macs', 'integer')]
    """
    for key, each in schema.get("properties", {}).items():
        inner = f"{path}.{key}" if path else key
        yield inner, "string" if "const" in each else " or ".join(_list(each["type"]))
        while "items" in each:
            inner, each = f"{inner}[]", each["items"]
        if "additionalProperties" in each:
            inner, each = f"{inner}.NAME", each["additionalProperties"]
            yield inner, " or ".join(_list(each["type"]))
        yield from keys(each, inner)
