"""`python -m fitsgen`: the command line."""

from fitsgen.cli import main

if __name__ == "__main__":
    main(prog_name="fitsgen")
