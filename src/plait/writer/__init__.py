"""Models whose target is a text: learning them, asking them, judging what they write."""
