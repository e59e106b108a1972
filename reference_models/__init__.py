"""Reference networks in plain PyTorch, one file per family, as their authors published them.

They train and run. The names and shapes of a model's state dict are those of its public checkpoint,
so that the checkpoint loads strictly and gives the same logits. Nothing here counts anything.
"""
