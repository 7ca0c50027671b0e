"""The curves of the Bank Marketing study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_STYLES = {
    "once": {"color": "#c0562b", "label": "kairos train, once, on the first tenth"},
    "again": {"color": "#2457a6", "label": "kairos train after every tenth"},
    "bare_once": {"color": "#c0562b", "label": "200 bare trees, once", "linestyle": ":"},
    "bare_again": {"color": "#2457a6", "label": "200 bare trees after every tenth", "linestyle": ":"},
}
_FEATURES = 6


def draw(tenths: Sequence[Mapping[str, Any]], path: Path) -> Path:
    figure = Figure(figsize=(11.0, 7.5), layout="constrained")
    (area, loss), (calibration, features) = figure.subplots(2, 2)
    _curves(area, tenths, "auc", "AUC (0.5: a coin)")
    _curves(loss, tenths, "log_loss", "log loss (lower is better)")
    _curves(calibration, tenths, "predicted", "mean predicted and observed")
    at = [one["tenth"] for one in tenths]
    calibration.plot(at, [one["base_rate"] for one in tenths], "k--", label="observed")
    calibration.legend(fontsize=8)
    area.legend(fontsize=8)
    _features(features, tenths)
    figure.suptitle("UCI Bank Marketing in the order of dates: each tenth judged by scorers that have not seen it")
    figure.savefig(path, dpi=120)
    return path


def _curves(axes: Axes, tenths: Sequence[Mapping[str, Any]], what: str, title: str) -> None:
    for scorer, style in _STYLES.items():
        axes.plot([one["tenth"] for one in tenths], [one[scorer][what] for one in tenths], marker=".", **style)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("tenth")
    axes.grid(alpha=0.3)


def _features(axes: Axes, tenths: Sequence[Mapping[str, Any]]) -> None:
    """The features that drifted most, over the tenths; one that did not drift in a tenth has no point there."""
    most: dict[str, float] = {}
    for one in tenths:
        for name, index in one["psi"].items():
            most[name] = max(most.get(name, 0.0), index)
    for name in sorted(most, key=lambda name: -most[name])[:_FEATURES]:
        axes.plot([one["tenth"] for one in tenths], [one["psi"].get(name) for one in tenths], marker=".",
                  label=name.removeprefix("attribute."))
    axes.axhline(0.25, color="k", linestyle=":", linewidth=1)
    axes.set_title("population stability index against the first tenth (above 0.25: a shift)", fontsize=10)
    axes.set_xlabel("tenth")
    axes.grid(alpha=0.3)
    if most:
        axes.legend(fontsize=8)
