"""Checks that optional packages are installed; one sentence says what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

from flopscope.errors import BadInput

REQUIREMENTS: Mapping[str, str] = {
    "torch": "torch>=2.13",
    "fvcore": "fvcore>=0.1.5.post20221221",
    "onnx": "onnx>=1.19",
    "matplotlib": "matplotlib>=3.8",
    "pandas": "pandas>=2.2",
    "ortools": "ortools>=9.10",
    "pymoo": "pymoo>=0.6.1",
    "pyarrow": "pyarrow>=18",
    "distributed": "distributed>=2025.1",
    "onnxruntime": "onnxruntime>=1.32",
    "PIL": "pillow>=10",
    "openvino": "openvino>=2026.4",
    "ncnn": "ncnn>=1.0.20261020",
    "pnnx": "pnnx>=20261020",
    "executorch": "executorch>=1.5",
    "coremltools": "coremltools>=9.0",
    "mlxtend": "mlxtend>=0.25",
    "sklearn": "scikit-learn>=1.9",
}
"""What pip is asked for, by the name that is imported. A test holds it against pyproject.toml."""


def require_witnesses() -> None:
    """Raises BadInput where torch or fvcore cannot be imported."""
    _require("torch", "fvcore")


def require_onnx() -> None:
    """Raises BadInput where onnx cannot be imported."""
    _require("onnx")


def require_plots() -> None:
    """Raises BadInput where matplotlib cannot be imported."""
    _require("matplotlib")


def require_frames() -> None:
    """Raises BadInput where pandas cannot be imported."""
    _require("pandas")


def require_images(package: str) -> None:
    """Raises BadInput where the package that images come with cannot be imported."""
    _require(package)


def require_pillow() -> None:
    """Raises BadInput where Pillow, which reads pictures, cannot be imported."""
    _require("PIL")


def require_cpsat() -> None:
    """Raises BadInput where OR-tools cannot be imported."""
    _require("ortools")


def require_nsga2() -> None:
    """Raises BadInput where pymoo cannot be imported."""
    _require("pymoo")


def require_parquet() -> None:
    """Raises BadInput where pyarrow cannot be imported."""
    _require("pyarrow")


def require_cluster() -> None:
    """Raises BadInput where Dask distributed cannot be imported."""
    _require("distributed")


def require_runtime(*names: str) -> None:
    """Raises BadInput where one of the packages cannot be imported that run networks. pnnx is a
    program, which need only be there."""
    _require(*names)


NOT_IMPORTED = frozenset({"coremltools", "executorch", "pnnx"})
"""Packages of which a program is used, and those that take seconds to import and say much."""
NOT_IN_CLONES = frozenset({"coremltools", "executorch", "openvino", "ncnn", "pnnx"})
"""Packages that `make setup` leaves out."""


def _require(*names: str) -> None:
    for name in names:
        try:
            _found(name)
        except Exception as error:  # a broken installation may raise any error
            them = "them" if len(names) > 1 else "it"
            wanted = " ".join(f"'{REQUIREMENTS[each]}'" for each in names)
            clone = ", or in a clone of flopscope with: make setup"
            raise BadInput(
                f"this needs {' and '.join(names)}, but {name} cannot be imported{_cause(error)}; "
                f"install {them} with: pip install {wanted}"
                f"{'' if NOT_IN_CLONES & set(names) else clone}"
            ) from error


def _found(name: str) -> None:
    if name not in NOT_IMPORTED:
        import_module(name)
    elif find_spec(name) is None:
        raise ModuleNotFoundError(name)


def _cause(error: Exception) -> str:
    """The error of the import in brackets if the package is installed; empty text if it is not."""
    if isinstance(error, ModuleNotFoundError):
        return ""
    text = " ".join(str(error).split())
    return f" ({type(error).__name__}: {text[:300]})"
