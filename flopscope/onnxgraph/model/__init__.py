"""An ONNX file as data: checked, without its weights, with the sizes that it states."""
