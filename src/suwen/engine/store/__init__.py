"""Where a lake or a landing is kept: a folder of this machine, or a bucket by the S3 protocol."""
