"""Maintenance of a lake: what is kept, small files made large, what nobody names removed, and everything looked at for damage."""
