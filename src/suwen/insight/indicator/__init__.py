"""Indicators: rows that count, values worked out from what was counted, and the tree they are rolled up in."""
