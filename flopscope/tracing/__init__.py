"""What a module does: any nn.Module run on symbolic or plain sizes, as a ledger."""

from flopscope.tracing.engine import Trace, derive, trace

__all__ = ["Trace", "derive", "trace"]
