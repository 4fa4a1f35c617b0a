"""Hooks of the instrument IRIS. It has none, but `crds` looks for the module."""
