"""Decoding Parquet files: every leaf column, the footer's metadata and its statistics."""

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_BATCH_ROWS = 65_536
# Integers below this have too few digits to be a phone number that we search for.
_SMALLEST_NUMBER = 10_000_000
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")


def shown_name(name: str) -> str:
    """``name`` as a report may show it: ``?`` unless it is a plain identifier."""
    return name if _PLAIN_NAME.fullmatch(name) else "?"


def parquet_pieces(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Pairs of place and decoded bytes for a Parquet file held in memory.

    Raises:
        pa.ArrowException: The file is damaged or encrypted.
    """
    with pq.ParquetFile(pa.BufferReader(pa.py_buffer(content))) as file:
        yield "parquet metadata", _metadata(file)
        yield from _statistics(file.metadata)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                place = f"parquet column {shown_name(name)}"
                yield from ((place, cells) for cells in column_cells(column))


def column_cells(array: pa.Array) -> Iterator[bytes]:
    """The cells of every leaf below ``array``, one a line. Dates and booleans are left out."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        yield from column_cells(array.storage)
    elif pa.types.is_dictionary(kind):
        yield from column_cells(array.dictionary_decode())
    elif pa.types.is_struct(kind):
        for child in array.flatten():
            yield from column_cells(child)
    elif pa.types.is_map(kind):
        yield from column_cells(array.keys)
        yield from column_cells(array.items)
    elif pa.types.is_nested(kind):  # every kind of list; unions do not exist in Parquet
        yield from column_cells(array.flatten())
    else:
        yield _joined(array)


def _joined(array: pa.Array) -> bytes:
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = array.cast(pa.int64(), safe=False).drop_null()
        array = numbers.filter(pc.greater_equal(numbers, _SMALLEST_NUMBER)).cast(pa.string())
    elif pa.types.is_decimal(kind):
        array = array.cast(pa.string())
    elif pa.types.is_temporal(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return b""
    cells = array.drop_null().cast(pa.large_binary())
    # Whole numbers and short names are recognised by what stands beside them.
    one_list = pa.LargeListArray.from_arrays(pa.array([0, len(cells)], pa.int64()), cells)
    joined: bytes = pc.binary_join(one_list, pa.scalar(b"\n", pa.large_binary()))[0].as_py()
    return joined


def _metadata(file: pq.ParquetFile) -> bytes:
    entries: list[Any] = list((file.metadata.metadata or {}).items())
    entries += (file.schema_arrow.metadata or {}).items()
    for field in file.schema_arrow:
        entries += [(field.name.encode(), b""), *(field.metadata or {}).items()]
    return b"\n".join(part for entry in entries for part in entry)


def _statistics(metadata: pq.FileMetaData) -> Iterator[tuple[str, bytes]]:
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            limits = column.statistics
            if limits is not None and limits.has_min_max:
                place = f"parquet statistics {shown_name(column.path_in_schema)}"
                yield place, b"\n".join(map(_as_bytes, (limits.min, limits.max)))


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
