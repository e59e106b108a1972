"""Functions of torch that are met before they reach the dispatcher."""
