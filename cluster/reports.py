"""Reports of trainings as files: ``report.json``, and its calibration curve as a picture."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

REPORT: Final = "report.json"
PICTURE: Final = "calibration.png"
FOLDER: Final = "reports"

#: Told apart by everyone (Okabe and Ito 2008), and by their marks.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"
_INCHES: Final = (6.4, 5.2)
_DPI: Final = 120


@contextmanager
def prepared(report: Mapping[str, Any], folder: Path) -> Iterator[Callable[[], None]]:
    """The report's files, written beside ``folder``; the function that is given puts them there. When it is not called,
    nothing stays."""
    fresh = folder.parent / f".new-{folder.name}-{secrets.token_hex(8)}"
    made = [parent for parent in (folder.parent, *folder.parent.parents) if not parent.exists()]
    try:
        fresh.mkdir(parents=True)
        (fresh / REPORT).write_text(json.dumps(report, indent=2) + "\n")
        draw(report, fresh / PICTURE)

        def keep() -> None:
            folder.mkdir(exist_ok=True)
            for name in (REPORT, PICTURE):
                os.replace(fresh / name, folder / name)

        yield keep
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def draw(report: Mapping[str, Any], path: Path) -> None:
    """What the scorer said against what happened, on the rows that judged it, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # half a second that only a report needs
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    curve, plain = report["curve"], report.get("uncalibrated_curve", [])
    kind = report.get("judged_calibration", {}).get("kind", "none")
    axes, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    span = _span([*curve, *plain])
    axes.plot(span, span, color=_GREY, linestyle=":", linewidth=1, label="said = happened")
    if plain and kind != "none":
        _line(axes, plain, _ORANGE, "s", "--", "trees alone")
    _line(axes, curve, _BLUE, "o", "-", "trees" if kind == "none" else f"calibrated ({kind})")
    axes.set_ylabel("happened (mean, with 95 % interval)")
    axes.set_title(f"{report['version']}: {sum(one['rows'] for one in curve):,} later rows", fontsize=10)
    axes.legend(frameon=False)
    widths = [max(one["to"] - one["from"], (span[1] - span[0]) / 400) for one in curve]
    dense = [one["rows"] / width for one, width in zip(curve, widths, strict=True)]
    below.bar([one["from"] for one in curve], dense, widths, align="edge", color=_BLUE, alpha=0.4, edgecolor="white")
    below.set_ylabel("how dense\nrows lie", fontsize=8)
    below.set_yticks([])
    below.set_xlabel("said (mean of a bin of equally many rows)")
    for each in (axes, below):
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="png", metadata={"Title": f"Calibration of {report['version']}"})


def _line(axes: Any, curve: Sequence[Mapping[str, float]], color: str, mark: str, style: str, name: str) -> None:
    happened = [one["happened"] for one in curve]
    reach = [
        [max(0.0, one["happened"] - one["low"]) for one in curve],
        [max(0.0, one["high"] - one["happened"]) for one in curve],
    ]
    axes.errorbar(
        [one["said"] for one in curve], happened, yerr=reach, color=color, marker=mark, linestyle=style, markersize=5,
        linewidth=1.5, elinewidth=1, capsize=2, label=name,
    )


def _span(curve: Sequence[Mapping[str, float]]) -> list[float]:
    ends = [one[name] for one in curve for name in ("said", "happened", "low", "high")]
    return [min(ends), max(ends)] if ends else [0.0, 1.0]
