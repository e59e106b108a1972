"""The results of the sweep, as the second part of docs/architectures.md, which is generated."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from typing import Any

from architectures import MARK, PAGE
from sweep_one import BOUND, EQUAL, RAISED, REFUSED, SLOW, UNSEEN, WRONG, Record

Found = Mapping[tuple[str, str], Record]
"""Records by network and step."""


def write(found: Found, versions: Mapping[str, str], listed: Mapping[str, int]) -> None:
    """The page's first part as it is, and this one anew."""
    first = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(first + part(found, versions, listed), encoding="utf-8")


def part(found: Found, versions: Mapping[str, str], listed: Mapping[str, int]) -> str:
    """The second part, from its heading on."""
    names = distinct(found)
    rows = [row(name, found) for name in names if is_equal(found[name, "numbers"])]
    return TEMPLATE.format(
        mark=MARK,
        summary="\n".join(summary(found, versions, listed)),
        rows="\n".join(rows),
        others="\n".join(others(found)) or "None.",
        free="\n".join(not_free(found)) or "None.",
    )


# --- which ----------------------------------------------------------------------------------------


def distinct(found: Found) -> list[str]:
    """One network of each structure that was run, in the order of the alphabet."""
    return sorted(name for name, step in found if step == "numbers")


def is_equal(numbers: Record) -> bool:
    return bool(numbers.get("verdict") == EQUAL)


def library(name: str) -> str:
    return name.partition(":")[0]


# --- one line -------------------------------------------------------------------------------------


def row(name: str, found: Found) -> str:
    """Network, parameters, its own size and another with their counts, what the formula says."""
    cells = (*cells_of(name, found[name, "numbers"]), formula(name, found))
    return f"| {' | '.join(cells)} |"


def cells_of(name: str, numbers: Record) -> tuple[str, ...]:
    """What a line says of numbers."""
    own, other = numbers["tried"][0], numbers["tried"][-1]
    one, two = _cells(own), ("", "") if other is own or other["torch"] is None else _cells(other)
    return name, f"{numbers['parameters']:,}", *one, *two


def _cells(one: Record) -> tuple[str, str]:
    return described(one["sizes"]), f"{one['macs']:,}"


def described(sizes: Mapping[str, int]) -> str:
    """Batch, and height and width or tokens."""
    if "H" in sizes:
        return f"{sizes['B']} of {sizes['H']}×{sizes['W']}"
    return f"{sizes['B']} of {sizes['T']}" + (f" to {sizes['S']}" if "S" in sizes else "")


def formula(name: str, found: Found) -> str:
    """Where one trace with free sizes answers, of the two."""
    free, numbers = found.get((name, "free")), found[name, "numbers"]
    if free is None or free["verdict"] not in (EQUAL, UNSEEN):
        return "" if free is None else "none"
    own, last = free["answers"][0], free["answers"][-1]
    where = [own is not None, numbers["tried"][-1]["torch"] is not None and last is not None]
    words = {(True, True): "both", (True, False): "the first", (False, True): "the second"}
    if len(numbers["tried"]) == 1:
        words = {}
    return words.get((where[0], where[1]), "elsewhere") + (", as named" if free["named"] else "")


# --- what is not equal ----------------------------------------------------------------------------


def others(found: Found) -> Iterator[str]:
    """A line for each network that is not equal at every size, with its reason."""
    for name in distinct(found):
        numbers = found[name, "numbers"]
        if not is_equal(numbers):
            yield f"* {name}: {numbers['verdict']}{_reason(numbers)}"
    for (name, step), record in sorted(found.items()):
        if step == "structure" and "unbuilt" in record:
            yield f"* {name}: cannot be built here ({_short(record['unbuilt'])})"


def not_free(found: Found) -> Iterator[str]:
    """A line for each network that has no formula with free sizes."""
    for name in distinct(found):
        free = found.get((name, "free"))
        if free and is_equal(found[name, "numbers"]) and free["verdict"] not in (EQUAL, UNSEEN):
            yield f"* {name}: {free['verdict']}{_reason(free)}"


def _reason(record: Record) -> str:
    reasons = [record["reason"]] if "reason" in record else []
    tried = record.get("tried", ())
    reasons += [one["reason"] for one in tried if "reason" in one]
    reasons += [f"unknown: {', '.join(one['missing'])}" for one in tried if one.get("missing")]
    reasons += [one["error"] for one in tried if one.get("verdict") == UNSEEN]
    return f" ({_short(reasons[0])})" if reasons else ""


def _short(reason: str) -> str:
    """Without the folders of the machine that it ran on."""
    words = reason.removeprefix("BadInput: ").split(" ")
    return " ".join(word.rpartition("site-packages/")[2] for word in words)


# --- all in all -----------------------------------------------------------------------------------

COLUMNS = (EQUAL, BOUND, REFUSED, RAISED, WRONG, UNSEEN, "crashed")


def summary(found: Found, versions: Mapping[str, str], listed: Mapping[str, int]) -> Iterator[str]:
    """A line a library: names tried of those that it has, architectures, verdicts, formulas."""
    for name, version in versions.items():
        known = [n for n, step in found if step == "structure" and library(n) == name]
        tried = [n for n in distinct(found) if library(n) == name]
        if not known:
            continue
        verdicts = collections.Counter(found[n, "numbers"].get("verdict") for n in tried)
        touched = sum(bool(r.get("touched")) for (n, _), r in found.items() if library(n) == name)
        free = collections.Counter(_free_verdict(found, n) for n in tried)
        cells: tuple[Any, ...] = (
            f"{name} {version}",
            f"{len(known)} of {listed[name]}",
            len(tried),
        )
        cells = (*cells, *(verdicts[column] for column in COLUMNS), touched)
        cells = (*cells, free["formula"], free["none"], free[WRONG], free[""])
        yield f"| {' | '.join(map(str, cells))} |"


def _free_verdict(found: Found, name: str) -> str:
    free = found.get((name, "free"))
    if free is None:
        return ""
    verdict = str(free["verdict"])
    known = {EQUAL: "formula", UNSEEN: "formula", WRONG: WRONG, SLOW: "none"}
    return known.get(verdict, "none")


TEMPLATE = """\
{mark}

`make architectures` writes this part. It tries every name that a library lists, which takes about
an hour and is not part of the tests. It goes on where it was stopped, and leaves out a library that
is not installed. Networks of the same structure (the same layers with the same whole numbers,
shapes of weights and input size) are tried once. A `quantized_` name of torchvision stands for its
float twin, which is what it builds. The networks of timm and torchvision have no weights, and those
of transformers are small configurations. The witness is torch's FlopCounterMode, with attention in
its products and with a rule for grouped products, which torch's counter lacks. *Touched* counts
modules of which any attribute had changed afterwards. The last four columns are about one trace
with free sizes: it gives a formula that equals the counter wherever it answers among the sizes that
were tried, no formula, a wrong one, or has not been tried.

| library | names tried | architectures | equal | bound | refused | raised | wrong | no witness \
| crashed | touched | formula | none | wrong | untried |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
{summary}

### Not equal

{others}

### No formula with free sizes

{free}

### Equal

A size is written as the batch *of* height × width, or of tokens, *to* the tokens of the decoder.
The second size is the first odd one that the network takes; it is empty if the network takes none.
The last column says at which of the two the formula with free sizes answers. It says *as named* if
the network accepts no size but its own, so that an example must name it.

| network | parameters | size | MACs | another size | MACs | formula |
|---|---:|---|---:|---|---:|---|
{rows}
"""
