"""The only room that knows DuckDB, Spark, Delta and SQLGlot: it compiles expressions, runs queries, and keeps tables and releases."""
