"""Segmenting: a model that gives every pixel of a picture a class, by all that a row has."""
