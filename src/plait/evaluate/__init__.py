"""Evaluation: scores with intervals and paired tests."""
