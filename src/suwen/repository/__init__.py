"""How staged records become rows of the repository: versions, mapping, merging, and the vocabulary."""
