"""Checks that optional packages are installed; one sentence says what is missing."""

from __future__ import annotations

from importlib import import_module

from flopscope.errors import BadInput


def require_witnesses() -> None:
    """Raises BadInput where torch or fvcore cannot be imported."""
    _require("check", "torch", "fvcore")


def require_onnx() -> None:
    """Raises BadInput where onnx cannot be imported."""
    _require("onnx", "onnx")


def require_plots() -> None:
    """Raises BadInput where matplotlib cannot be imported."""
    _require("notebook", "matplotlib")


def require_frames() -> None:
    """Raises BadInput where pandas cannot be imported."""
    _require("notebook", "pandas")


def _require(extra: str, *names: str) -> None:
    for name in names:
        try:
            import_module(name)
        except Exception as error:  # a broken installation may raise any error
            them = "them" if len(names) > 1 else "it"
            raise BadInput(
                f"this needs {' and '.join(names)}, but {name} cannot be imported{_cause(error)}; "
                f"install {them} with: pip install 'flopscope-analytic[{extra}]'"
            ) from error


def _cause(error: Exception) -> str:
    """The error of the import in brackets if the package is installed; empty text if it is not."""
    if isinstance(error, ModuleNotFoundError):
        return ""
    text = " ".join(str(error).split())
    return f" ({type(error).__name__}: {text[:300]})"
