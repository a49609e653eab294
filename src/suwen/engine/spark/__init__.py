"""Spark as an engine: the same trees in Spark's SQL."""
