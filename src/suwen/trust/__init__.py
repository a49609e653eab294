"""What makes the repository trustworthy: data quality, the identity of persons across organisations, and de-identification."""
