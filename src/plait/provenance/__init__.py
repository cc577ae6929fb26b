"""Provenance: what says that a picture was drawn by a model, seen and unseen."""
