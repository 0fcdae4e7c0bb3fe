"""`python -m countersign`: the command line."""

from countersign.bot.cli.main import main

if __name__ == "__main__":
    main()
