"""Models that draw: a picture column from the others."""
