"""Pictures and clips composed from the bundled emoji, of which everything is known."""
