"""The routes, by what they are about."""

from suwen.serve.api.routes import feeds, glossary, indicators, organisations, own, persons, quarantine, records, releases, tables, traces, values

ALL = (own, glossary, indicators, values, records, organisations, releases, tables, traces, persons, feeds, quarantine)
