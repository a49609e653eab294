"""The order of the stages: planning, running, the ledger, lineage and tracing."""
