"""Tasks: Features in; a loss, scores and metrics out."""
