"""Words that every room may use: errors, clock, settings, and the ports through which lower rooms speak upward."""
