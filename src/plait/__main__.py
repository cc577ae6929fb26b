"""`python -m plait` is the command line."""

from plait.cli import main

main()
