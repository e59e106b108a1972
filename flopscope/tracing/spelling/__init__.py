"""How a network is written: its modules, functions, operators and kernels are noted while it
runs."""
