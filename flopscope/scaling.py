"""`Scaling` under the name by which notebooks and programs import it."""

from flopscope.catalog.scaling import Scaling

__all__ = ["Scaling"]
