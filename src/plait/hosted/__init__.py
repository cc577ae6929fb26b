"""Models behind an endpoint of chat completions, as writers and labellers of a table."""
