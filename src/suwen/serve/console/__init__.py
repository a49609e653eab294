"""The console: pages that answer a commission's questions and lead each answer back to its bytes."""
