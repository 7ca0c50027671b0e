"""``python -m loadtests [NAME ...]``: run the named benchmarks (all without a name) and print one JSON each."""

from __future__ import annotations

import argparse
import importlib
import json

from actors.logs import configure_logs

NAMES = ("engine", "flat", "memory", "scorer", "http")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which benchmarks; all without a name")
    configure_logs("warning")
    for name in parser.parse_args().names or NAMES:
        figures = importlib.import_module(f"loadtests.{name}").run()
        print(json.dumps({"benchmark": name, **figures}, indent=2), flush=True)


if __name__ == "__main__":
    main()
