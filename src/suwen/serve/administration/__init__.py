"""Pages of who runs a region: people with their roles, and the audit."""
