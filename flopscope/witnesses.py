"""Is torch there? Asked in one place, answered in one sentence."""

from __future__ import annotations

from importlib import import_module

from flopscope.errors import BadInput


def require_witnesses() -> None:
    """Raises BadInput where torch or fvcore cannot be imported."""
    for name in ("torch", "fvcore"):
        try:
            import_module(name)
        except ImportError as error:
            raise BadInput(
                f"this needs torch and fvcore, but {name} cannot be imported; "
                "install them with: pip install 'flopscope-analytic[check]'"
            ) from error
