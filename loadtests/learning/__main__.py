"""``python -m loadtests.learning NAME`` runs a study, which writes figures and pictures into ``loadtests/results``."""

from __future__ import annotations

import importlib
import sys
from typing import Final

#: Name -> the module whose ``main(arguments)`` runs it. Imported when asked for: each has libraries of its own.
STUDIES: Final = {
    "training": "loadtests.learning.training",
    "bank-marketing": "loadtests.learning.bank_drift",
    "exploration": "loadtests.learning.exploration",
    "open-bandit": "loadtests.learning.open_bandit",
    "roles": "loadtests.learning.roles",
    "scoring": "loadtests.learning.scoring",
}


def main() -> None:
    name, *arguments = sys.argv[1:] or [""]
    if name not in STUDIES:
        sys.exit(f"usage: python -m loadtests.learning NAME; known: {', '.join(STUDIES)}")
    importlib.import_module(STUDIES[name]).main(arguments)


if __name__ == "__main__":
    main()
