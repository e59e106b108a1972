"""The shapes of what ONNX's operators write."""
