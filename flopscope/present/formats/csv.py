"""Raw values, separated by commas."""

from __future__ import annotations

import csv
import io

from flopscope.present.table import Document


def text(document: Document) -> str:
    """Raw values under plain names: integers have no separators, and there are neither a row
    of totals nor asides. An empty line separates several tables."""
    parts = []
    for table in (each for each in document.tables if not each.aside):
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([column.key for column in table.columns])
        writer.writerows(table.raw())
        parts.append(buffer.getvalue())
    return "\n".join(parts)
