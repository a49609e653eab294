"""Who may do what: roles, the one decision function with its reasons, and what is masked. No Django here."""
