"""The console: pages that show a region, its numbers and the way back to the bytes."""
