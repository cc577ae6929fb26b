"""Spaces: groups of columns side by side, learned, kept, asked and judged."""
