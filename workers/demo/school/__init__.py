"""What one demo school contains."""
