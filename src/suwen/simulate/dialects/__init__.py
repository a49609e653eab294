"""The systems of the hospitals: one module a system, each writing the same events in its own schema, codes, dates, encoding and habits."""
