"""Decision level: experts, how their predictions combine, and the contest between them."""
