"""Backup and restore: what is durable copied once by its content, and given back with proof that it is the same release."""
