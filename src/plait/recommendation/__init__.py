"""Recommendation: who chose what, when, and what they would choose next."""
