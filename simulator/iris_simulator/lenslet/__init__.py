"""The lenslet spectrograph as it was built, its light, and the images that it makes."""
