"""Suwen turns the raw feeds of a region's hospitals into one governed clinical repository in which every row leads back to its source."""

__version__ = "0.1.0"
