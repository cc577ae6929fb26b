"""Explanation: what each modality contributed."""
