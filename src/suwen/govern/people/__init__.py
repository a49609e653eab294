"""The Django app of people: accounts, roles bound to organisations, tokens, openings, second factors, lock-out."""
