"""Encoders with weights that others learned: any Hugging Face model, by name or from a folder."""
