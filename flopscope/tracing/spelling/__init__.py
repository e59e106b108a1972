"""How a network is written: its modules, functions, operators and kernels, noted while it runs."""
