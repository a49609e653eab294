"""The pages themselves: each view asks the gate, gathers what its page shows, and renders it."""
