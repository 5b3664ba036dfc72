"""Builds the images of images/ with docker or buildah."""
