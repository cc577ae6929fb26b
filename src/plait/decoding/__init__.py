"""Texts from a model of the next token: greedy, beams, samples; one loop for every such model."""
