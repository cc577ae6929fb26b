"""Fusion: the Features of many columns in, one Features out."""
