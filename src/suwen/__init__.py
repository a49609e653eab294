"""Suwen turns the raw feeds of a region's hospitals into one governed clinical repository in which every row leads back to its source."""

__all__ = ["__version__", "open"]
__version__ = "0.1.0"  # first: what is imported below asks for it

from suwen.flow.asking import open_release as open
