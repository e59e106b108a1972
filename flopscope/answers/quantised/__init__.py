"""What really quantising a network gives: images to calibrate with, the file, its errors, times."""
