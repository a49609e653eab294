"""The declarations that Suwen ships, and the loader that checks their shape."""
