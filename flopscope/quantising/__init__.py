"""What quantisation makes of a network, before anything runs: which tensors are quantised, and the
bytes of the file, term by term. It needs neither torch nor onnx."""
