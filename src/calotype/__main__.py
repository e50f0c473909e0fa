"""`python -m calotype`: the command line where no script is on the path. Nothing else lives here."""

from calotype.cli.main import main

if __name__ == "__main__":
    main()
