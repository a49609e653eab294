"""One module per format: each reads a stream into batches of source records, and accounts for every byte of it."""
