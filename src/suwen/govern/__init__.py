"""The region's own affairs: its organisations, people, policies, tickets, approvals, services and audit."""
