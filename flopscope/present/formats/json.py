"""A document's facts as one JSON object."""

from __future__ import annotations

import json

from flopscope.present.table import Document


def text(document: Document) -> str:
    """One object; integers are integers."""
    return json.dumps(document.data, indent=2, ensure_ascii=False)
