"""Defects of exports: which there are, which records they befall, what they do, and the truth about each."""
