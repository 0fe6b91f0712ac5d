"""Read anybody's time series: pandas, polars, pyarrow, numpy, mappings and pairs, as x and value columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import DataError
from rtlab.views.epochs import in_milliseconds, unit_of
from rtlab.views.pyramid import milliseconds

Floats = NDArray[np.float64]
Kind = Literal["time", "number"]
Given = Mapping[str, Any]
_NUMBERS = "biuf"


class Table(NamedTuple):
    """A series: x (ms since 1970 for "time"), a float column for each line, and labels of points in `events`.

    `left_out` names the columns that are neither numbers nor categories. `counted`: x is the number of the row.
    `hint` says what else the numbers might mean, where that is likely.
    """

    x: Floats
    kind: Kind
    columns: dict[str, Floats]
    events: dict[str, NDArray[np.object_]]
    left_out: tuple[str, ...]
    counted: bool = False
    hint: str = ""


def table(
    source: object,
    *,
    x: str | None = None,
    y: str | Sequence[str] | None = None,
    x_unit: str | None = None,
) -> Table:
    """Read `source`; `x` and `y` name columns, by default the index (or a time column) and all numbers.

    Without an index x counts the rows. With `x_unit` ("s", "ms", "us", "ns") the numbers of x are times since 1970.
    DataError when it cannot be drawn.
    """
    index, given = _given(source)
    index_name, at = _x_of(index, given, x)
    wanted = [y] if isinstance(y, str) else list(y or [])
    for name in wanted:
        if name not in given:
            raise DataError("the data have no such column", expected=f"one of {', '.join(given)}", got=name)
    rest = {name: given[name] for name in wanted or given if name != index_name}
    columns, events, left_out = _sorted_out(rest, set(wanted))
    lengths = {name: len(column) for name, column in {**columns, **events}.items()}
    count = len(at) if at is not None else next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != count:
            raise DataError(
                f"{name} and x do not belong together", expected=f"{count:,} values", got=f"{length:,}"
            )
    if not columns and not events:
        raise DataError(
            "there is nothing to draw in the data", expected="a column of numbers", got=_told(given, left_out)
        )
    where = "df.index" if index_name is None else f'df["{index_name}"]'
    kind, values = _numbered(at, count, x_unit, where)
    hint = _hint(at, columns) if kind == "number" else ""
    return Table(values, kind, columns, events, tuple(left_out), at is None, hint)


def _hint(at: Any, columns: Mapping[str, Floats]) -> str:
    """Say that numbers look like times, which nobody said: x, or where x counts the rows the first such column."""
    if at is not None:
        unit = unit_of(np.asarray(at))
        return f'x is drawn as plain numbers; if these are times, say x_unit="{unit}"' if unit else ""
    for name, column in columns.items():
        if unit := unit_of(column):
            return f'{name} is drawn as a line; if it holds times, say x="{name}", x_unit="{unit}"'
    return ""


def _told(given: Given, left_out: Sequence[str]) -> str:
    return f"only text in {', '.join(left_out)}" if left_out else f"{len(given)} columns"


def _given(source: object) -> tuple[Any, Given]:
    """Give (index or None, columns by name), not converted yet."""
    kind = type(source).__module__.partition(".")[0]
    match kind:
        case "pandas":
            return _of_pandas(cast(Any, source))
        case "polars":
            return None, _of_polars(cast(Any, source))
        case "pyarrow":
            return None, _of_pyarrow(cast(Any, source))
    if isinstance(source, Mapping):
        return None, {str(name): _array(values) for name, values in source.items()}
    if isinstance(source, tuple) and len(source) == 2:
        return _array(source[0]), _of_array(_array(source[1]))
    if isinstance(source, np.ndarray | list | range):
        return None, _of_array(np.asarray(source))
    raise DataError(
        "this cannot be drawn",
        expected="a table, an array, columns by name, a pair (x, y), a stream or an async iterator",
        got=type(source).__name__,
    )


def _of_pandas(source: Any) -> tuple[Any, Given]:
    frame = source.to_frame(source.name or "y") if hasattr(source, "to_frame") else source
    if not hasattr(frame, "columns"):
        return None, {"y": _array(frame)}
    index = None if type(frame.index).__name__ == "RangeIndex" else frame.index
    return index, {str(name): frame.iloc[:, i] for i, name in enumerate(frame.columns)}


def _of_polars(source: Any) -> Given:
    lazy = source.collect() if hasattr(source, "collect") else source
    columns = [lazy] if not hasattr(lazy, "get_columns") else lazy.get_columns()
    return {column.name or "y": _polars_column(column) for column in columns}


def _polars_column(column: Any) -> Any:
    kind = str(column.dtype)
    return _Labels(column.to_list()) if kind.startswith(("Categorical", "Enum")) else column.to_numpy()


def _of_pyarrow(source: Any) -> Given:
    if not hasattr(source, "schema"):
        return {"y": _arrow_column(source)}
    return {name: _arrow_column(source.column(i)) for i, name in enumerate(source.schema.names)}


def _arrow_column(column: Any) -> Any:
    if "dictionary" in str(column.type):
        return _Labels(column.to_pylist())
    return column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)


def _of_array(array: NDArray[Any]) -> Given:
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim == 2:
        return {f"y{i}": array[:, i] for i in range(array.shape[1])}
    return {"y": array}


class _Labels(NamedTuple):
    """A column of categories."""

    values: list[str | None]


def _array(values: object) -> NDArray[Any]:
    return np.asarray(values)


def _x_of(index: Any, given: Given, x: str | None) -> tuple[str | None, Any]:
    if x is not None:
        if x not in given:
            raise DataError("the data have no such column", expected=f"one of {', '.join(given)}", got=x)
        return x, given[x]
    if index is not None:
        return None, index
    times = [name for name, column in given.items() if _is_time(column)]
    return (times[0], given[times[0]]) if times else (None, None)


def _is_time(column: Any) -> bool:
    return not isinstance(column, _Labels) and _stamps(column).dtype.kind == "M"


def _stamps(column: Any) -> NDArray[Any]:
    """Give a column as an array; times that know their zone in UTC."""
    if getattr(getattr(column, "dtype", None), "tz", None) is not None:
        column = getattr(column, "dt", column).tz_convert("UTC")
        column = getattr(column, "dt", column).tz_localize(None)
    return np.asarray(column)


def _numbered(at: Any, count: int, unit: str | None, where: str) -> tuple[Kind, Floats]:
    if at is None:
        if unit is not None:
            raise DataError("there is no x that could be times", expected="x: the name of a column", got=unit)
        return "number", np.arange(count, dtype=np.float64)
    array = _stamps(at)
    if array.dtype.kind == "M":
        if (empty := np.isnat(array)).any():
            raise DataError(
                "a time is missing", expected="a time for every row", got=f"none at {empty.argmax()}"
            )
        return "time", milliseconds(array)
    if (text := next(_words(array), None)) is not None:
        mend = f"numbers or times: pandas.to_datetime({where}) makes times of it"
        raise DataError("x is text", expected=mend, got=repr(text))
    if unit is not None:
        return "time", in_milliseconds(array, unit)
    if array.dtype.kind not in _NUMBERS or array.ndim != 1:
        raise DataError("x cannot be drawn", expected="numbers or times", got=f"{array.dtype}")
    return "number", array.astype(np.float64)


def _sorted_out(
    rest: Given, wanted: set[str]
) -> tuple[dict[str, Floats], dict[str, NDArray[np.object_]], list[str]]:
    columns: dict[str, Floats] = {}
    events: dict[str, NDArray[np.object_]] = {}
    left_out = []
    for name, column in rest.items():
        if isinstance(column, _Labels) or str(getattr(column, "dtype", "")) == "category":
            labels = column.values if isinstance(column, _Labels) else column.astype(object)
            events[name] = np.asarray(labels, dtype=object)
        elif (array := _floats(column)) is not None:
            columns[name] = array
        elif name in wanted:
            text = next(_words(column), "")
            raise DataError(f"{name} cannot be drawn as a line", expected="numbers", got=f"text, as {text!r}")
        else:
            left_out.append(name)
    return columns, events, left_out


def _words(column: Any) -> Iterator[str]:
    return (str(value) for value in np.asarray(column, dtype=object).ravel() if isinstance(value, str))


def _floats(column: Any) -> Floats | None:
    """Give a column of numbers as float64, nan where there is none; None for one of anything else."""
    if hasattr(column, "to_numpy") and str(getattr(column, "dtype", "")) in ("Int64", "Float64", "boolean"):
        return cast(Floats, column.to_numpy(dtype=np.float64, na_value=np.nan))
    array = np.asarray(column)
    if array.dtype.kind == "O" and all(isinstance(v, int | float | None) for v in array.ravel()):
        return np.array([np.nan if value is None else float(value) for value in array])
    if array.dtype.kind not in _NUMBERS or array.ndim != 1:
        return None
    return np.ascontiguousarray(array, dtype=np.float64)
