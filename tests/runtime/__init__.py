"""The runtime: the directory as it goes into images, in root file systems that have nothing to help it."""
