"""The help page of a command with many options, which stand under headings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import click

FEW = 8
"""Up to this many options stand in one list."""

SECTIONS: Mapping[str, Sequence[str]] = {
    "Network and input": (
        "accuracies", "res", "batch", "inputs", "arguments", "examples", "rules", "scaling",
        "form", "results", "with_catalog", "families", "only", "viewer",
    ),
    "Machine": (
        "table", "skip_unknown", "device_name", "sister", "runtime", "threads", "dtype", "rounds",
        "place",
    ),
    "Question": (
        "free", "quantities", "costs", "when", "step", "assume", "ideal", "reported", "params",
        "device", "tool", "prove", "check", "convention", "accuracy", "backward", "epoch",
        "training", "optimizer", "strict", "exit_code", "quantity", "count", "ranks", "quantiles",
        "designs", "histogram", "sample", "encodings", "maximise", "fit_rows", "method", "whole",
        "seconds", "evaluations", "seed", "keep", "gains", "workers", "scheduler",
        "platform", "context", "tokens", "importance",
        "bits", "per_tensor", "skip", "activations", "images", "sensitivity",
        "dynamic", "opset", "to", "half",
        "skips", "density", "formula",
    ),
    "Training": (
        "epochs", "images", "train_batch", "schedules", "teacher", "accumulate", "replicas", "ema",
        "drop_last", "precision", "memory", "checkpoints", "peak",
    ),
    "Time and energy": ("accelerator", "utilisation", "pue", "grid"),
    "Budgets": ("max_latency", "latency"),
    "Table": (
        "by", "depth", "columns", "sort", "group", "every", "everything", "summary", "units",
        "digits", "caption", "label", "bold",
    ),
    "Output": ("format_name", "output_path", "bib_path", "show"),
    "Picture": ("panel", "wide"),
}  # fmt: skip
"""The headings in their order, each with the options below it, by the names of their arguments."""

OTHER = "Other"
"""The heading of options that stand under no other."""

BEGINNINGS = {"most_": "Budgets", "plot_": "Picture"}
"""Options whose names begin alike stand together."""


def section(name: str) -> str:
    """The heading over the option of this argument.

    >>> section("most_macs"), section("plot_title"), section("res")
    ('Budgets', 'Picture', 'Network and input')
    """
    for beginning, heading in BEGINNINGS.items():
        if name.startswith(beginning):
            return heading
    return next((heading for heading, names in SECTIONS.items() if name in names), OTHER)


class Sectioned(click.Command):
    """A command whose options stand under headings where they are many."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of `--help`."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        if len(options) <= FEW:
            super().format_options(ctx, formatter)
            return
        for heading in (*SECTIONS, OTHER):
            below = [each for each in options if section(str(each.name)) == heading]
            records = [record for each in below if (record := each.get_help_record(ctx))]
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


command: Callable[..., Callable[[Callable[..., Any]], Sectioned]] = partial(
    click.command, cls=Sectioned
)
"""What makes a command of a function, in place of click's."""
