"""An ONNX file as checked data, without its weights and with the sizes that it states."""
