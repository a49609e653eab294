"""A region in a box: the exports of invented hospitals in several dialects, with the truth kept beside them."""
