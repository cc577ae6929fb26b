"""What models have in common that make a column of texts, masks or pictures from the others."""
