"""Texts of pages and messages in the languages of the house: English is the key, TOML files hold the rest."""
