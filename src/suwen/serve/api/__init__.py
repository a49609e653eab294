"""The API under /api/v1: typed, described by OpenAPI, with the same decisions and masks as the pages. It only reads."""
