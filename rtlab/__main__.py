"""`python -m rtlab` is the command `rtlab`."""

from rtlab.cli import main

main()
