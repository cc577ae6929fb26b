"""Training: one loop that knows no task by name."""
