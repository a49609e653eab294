"""What is read from the repository: indicators, surveillance, research, text and patient safety."""
