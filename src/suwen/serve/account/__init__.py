"""Pages of a person: signing in and out, second factor, own account."""
