"""Tables of Hugging Face's `datasets`: in memory, or saved to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from plait.errors import MissingExtraError, TableError

if TYPE_CHECKING:
    from datasets import Dataset

SAVED, SAVED_SPLITS = "state.json", "dataset_dict.json"
"""Files by which a folder that `save_to_disk` wrote is known."""


def is_dataset(value: Any) -> bool:
    """Return whether a value is a dataset or a dictionary of its splits, without an import."""
    return type(value).__module__.split(".")[0] == "datasets"


def read_dataset(value: Dataset | Any) -> pa.Table:
    """Return a dataset's Arrow table, memory-mapped where it is; names in the place of classes.

    Pictures and sounds stay as they are stored, a path or bytes, so that nothing is decoded here.

    Raises:
        TableError: when a dictionary of splits is given, or what streams.
    """
    if isinstance(value, dict):
        raise TableError(
            f"The dataset has the splits {sorted(value)}; give one of them, "
            f"dataset[{sorted(value)[0]!r}], for example."
        )
    if not hasattr(value, "data"):
        raise TableError(
            f"A {type(value).__name__} is read row by row only; give a Dataset, which "
            "`load_dataset` returns without streaming=True."
        )
    # A selection or another order is an index beside the data.
    whole = value if value._indices is None else value.flatten_indices()
    table = whole.data.table
    for name, feature in value.features.items():
        if type(feature).__name__ == "ClassLabel":
            place = table.column_names.index(name)
            table = table.set_column(place, name, _names(table.column(name), feature.names))
    return table


def _names(codes: pa.ChunkedArray, names: list[str]) -> pa.ChunkedArray:
    known = [None if code is None or code < 0 else names[code] for code in codes.to_pylist()]
    return pa.chunked_array([pa.array(known, pa.string())])


def read_saved(folder: Path) -> pa.Table:
    """Return the table of a folder that `save_to_disk` wrote.

    Raises:
        MissingExtraError: when `datasets` is not there.
        TableError: when the folder holds splits, or is broken.
    """
    if (folder / SAVED_SPLITS).is_file():
        splits = sorted(path.parent.name for path in folder.glob(f"*/{SAVED}"))
        raise TableError(
            f"{folder.name!r} has the splits {splits}; give the folder of one of them."
        )
    try:
        from datasets import load_from_disk
    except ImportError as error:
        raise MissingExtraError(
            "A folder of Hugging Face datasets needs that library: pip install 'plait[datasets]'"
        ) from error
    try:
        return read_dataset(load_from_disk(str(folder)))
    except (OSError, ValueError, KeyError) as error:
        raise TableError(f"{folder.name!r} cannot be read as a saved dataset: {error}") from error
