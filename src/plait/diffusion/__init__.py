"""Pipelines and autoencoders of Hugging Face diffusers."""
