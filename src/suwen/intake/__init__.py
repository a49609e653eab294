"""How raw bytes arrive and are kept: deliveries, their receipts, and the readers of each format."""
