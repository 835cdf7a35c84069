"""`python -m touchloop`: the same as the command `touchloop`."""

from touchloop.cli.app import main

if __name__ == "__main__":
    main()
