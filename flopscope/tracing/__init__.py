"""What a module does: any nn.Module is run on symbolic or plain sizes and recorded as a ledger."""

from flopscope.tracing.engine import Trace, derive, trace

__all__ = ["Trace", "derive", "trace"]
