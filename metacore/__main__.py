"""`python -m metacore`: the command `metacore`."""

from metacore.cli import main

if __name__ == "__main__":
    main()
