"""``python -m loadtests [NAME ...]``: what ``make bench`` runs."""

from loadtests.bench.cli import main

if __name__ == "__main__":
    main()
