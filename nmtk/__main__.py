"""`python -m nmtk` is `nmtk`."""

from nmtk.cli.app import main

if __name__ == "__main__":
    main()
