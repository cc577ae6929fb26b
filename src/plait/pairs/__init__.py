"""Pairs of rows: which belong together, to learn from and to be judged."""
