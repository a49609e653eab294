"""The command line: it reads arguments and settings, calls the rooms below, and prints."""
