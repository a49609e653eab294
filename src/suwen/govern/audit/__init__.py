"""The Django app of the audit: entries chained by their hashes, only ever appended."""
