"""The networks that flopscope knows by name: ids, variants and published figures."""
