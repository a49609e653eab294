"""What Suwen costs, measured: one module per claim (`spine`: a run against its floor), each started by `python -m bench.<name>`."""
