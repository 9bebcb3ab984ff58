"""Transformations that SQL says well: one statement per file, named after what it produces."""

from cdp_pipelines.transforms.reading import transform

__all__ = ["transform"]
