"""Functions of torch that are handled before they reach the dispatcher."""
