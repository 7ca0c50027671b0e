"""From journals to Parquet, a row group at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cluster.exporting.row_files import SUFFIX, RowFiles, in_place, merge, put, schema_of, writing
from cluster.journal_rows import Batch, Found, Progress, batches
from cluster.journal_source import JournalSource
from models import limits
from models.scoring.labels import ALL_TIME


@dataclass(slots=True)
class Exported:
    rows: int = 0
    #: Rows with a label, and how many of them were accepted.
    labelled: int = 0
    accepted: int = 0
    #: Rows whose reward is not known yet.
    open: int = 0
    files: int = 0
    bytes: int = 0
    #: Items that are no rows, by reason: "fallback", "control_group".
    left_out: Counter[str] = field(default_factory=Counter)
    #: Customers whose beginning the journal lacks; of whom facts were erased.
    headless: int = 0
    erased: int = 0

    def count(self, batch: Batch) -> None:
        self.rows += len(batch.matrix)
        self.labelled += sum(label is not None for label in batch.plain["label"])
        self.accepted += sum(label == 1 for label in batch.plain["label"])
        self.open += sum(reward is None for reward in batch.plain["reward"])


def export(
    source: JournalSource, target: Path, *, span_ms: tuple[int, int] = ALL_TIME, customers: bool = False,
    progress: Progress | None = None, group_rows: int = limits.EXPORT_GROUP_ROWS,
) -> Exported:
    """Write every row decided in [from, until) of ``span_ms`` to ``target``: one file when it is named ``*.parquet``,
    else a folder of files. Nothing is there before all is. Columns: ``models.scoring.exported``.

    Raises ``BadInput`` when there is something at ``target`` already or no catalog was ever adopted, ``KairosError``
    when it cannot be written.
    """
    exported, found = Exported(), Found()
    with in_place(target) as folder:
        inside = folder / "rows"
        files = RowFiles(inside, customers)
        with writing(target):
            inside.mkdir()
        for shard in range(source.shards):
            for batch in batches(
                source, shard, found, span_ms=span_ms, customers=customers, progress=progress, most=group_rows
            ):
                with writing(target):
                    files.write(shard, batch)
                exported.count(batch)
        wanted = found.wanted()
        with writing(target):
            made, paths = _whole(files, wanted, folder, target)
            exported.files, exported.bytes = len(paths), sum(path.stat().st_size for path in paths)
            put(made, target)
    exported.left_out, exported.headless, exported.erased = found.left_out, found.headless, found.erased
    return exported


def _whole(files: RowFiles, wanted: tuple[str, ...], folder: Path, target: Path) -> tuple[Path, list[Path]]:
    """The file or folder that becomes ``target``, and the files of it."""
    paths = files.conform(wanted)
    if target.suffix != SUFFIX:
        return files.folder, paths
    made = paths[0]
    if len(paths) > 1:
        made = folder / "all"
        merge(paths, schema_of(wanted, customers=files.customers), made)
    return made, [made]
