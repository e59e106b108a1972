"""What flopscope knows of networks by name: ids, variants and published figures."""
