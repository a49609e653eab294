"""What data may be: tables, receipts, envelopes, releases, the ledger, the function list and the shapes of pack files; frozen, without I/O."""
