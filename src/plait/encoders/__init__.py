"""Encoders: one column (or the tabular columns together) in, Features out."""
