"""Tables: read right, or an error that says what is wrong and what to do."""

import gzip

import numpy as np
import pytest

from gluonvae.data import DataError, opening
from gluonvae.data.readers import tables
from gluonvae.data.readers.base import ROWS, Wishes
from gluonvae.labels import as_labels

pa = pytest.importorskip("pyarrow", reason="needs the extra gluonvae[tables]")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra gluonvae[tables]")

NAN = float("nan")


def read(path, **wishes):
    return tables.READER.read(path, Wishes(**wishes))


@pytest.fixture
def read_text(tmp_path):
    def read_it(text, name="t.csv", encoding="utf-8", **wishes):
        content = text if isinstance(text, bytes) else text.encode(encoding)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        return read(tmp_path / name, **wishes)

    return read_it


RIGHT = {
    "whole numbers": ("a,b\n1,2\n3,255\n", [[1, 2], [3, 255]], "uint8"),
    "larger ones": ("a,b\n1,2\n3,256\n", [[1, 2], [3, 256]], "int32"),
    "negative ones": ("a,b\n1,2\n3,-1\n", [[1, 2], [3, -1]], "int32"),
    "the largest": ("a,b\n1,2\n3,9007199254740991\n", [[1, 2], [3, 2**53 - 1]], "int64"),
    "reals": ("a,b\n1.5,2\n3e2,.5\n", [[1.5, 2], [300, 0.5]], "float64"),
    "missing": ("a,b\n1,\n,4\n", [[1, NAN], [NAN, 4]], "float64"),
    "missing in words": ("a,b\n1,NA\nNaN,null\n3,4\n", [[1, NAN], [NAN, NAN], [3, 4]], "float64"),
    "infinite": ("a,b\n1,inf\n2,-inf\n", [[1, np.inf], [2, -np.inf]], "float64"),
    "true and false": ("a,b\n1,True\n2,false\n", [[1, 1], [2, 0]], "uint8"),
    "true and missing": ("a,b\n1,True\n2,\n", [[1, 1], [2, NAN]], "float64"),
    "semicolons": ("a;b\n1;2\n3;4\n", [[1, 2], [3, 4]], "uint8"),
    "bars": ("a|b\n1|2\n", [[1, 2]], "uint8"),
    "tabs in a csv": ("a\tb\n1\t2\n", [[1, 2]], "uint8"),
    "decimal commas": ("a;b\n1,5;2\n3,25;-4,1\n", [[1.5, 2], [3.25, -4.1]], "float64"),
    "quoted": ('"a","b"\n"1","2"\n', [[1, 2]], "uint8"),
    "lines of Windows": ("a,b\r\n1,2\r\n3,4\r\n", [[1, 2], [3, 4]], "uint8"),
    "no last line end": ("a,b\n1,2\n3,4", [[1, 2], [3, 4]], "uint8"),
    "empty lines": ("a,b\n1,2\n\n3,4\n\n", [[1, 2], [3, 4]], "uint8"),
    "one column": ("a\n1\n2\n", [[1], [2]], "uint8"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_numbers(read_text, case):
    text, values, dtype = RIGHT[case]
    contents = read_text(text)
    got = contents.parts["train"].values
    np.testing.assert_array_equal(got, values)
    assert got.dtype == dtype
    assert contents.columns == tuple("ab"[: got.shape[1]])
    assert contents.kind == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV"])
def test_encodings(read_text, encoding, name):
    contents = read_text("größe,b\n1,2\n", name, encoding)
    assert contents.columns == ("größe", "b")
    np.testing.assert_array_equal(contents.parts["train"].values, [[1, 2]])


@pytest.mark.parametrize("name", ["t.tsv", "t.tsv.gz"])
def test_tsv(read_text, name):
    np.testing.assert_array_equal(read_text("a\tb\n1.5\t2\n", name).parts["train"].values, [[1.5, 2]])


@pytest.mark.parametrize(
    ("text", "columns", "values", "said"),
    [
        ("1,2,5\n3,4,6\n", ("1", "2", "3"), [[1, 2, 5], [3, 4, 6]], "has no line of names"),
        ("0,1,2\n3,4,6\n", ("0", "1", "2"), [[3, 4, 6]], ""),  # as pandas numbers columns
        ("1,2,3\n3,4,6\n", ("1", "2", "3"), [[3, 4, 6]], ""),
        ("2019,2020,2021\n3.5,4,6\n", ("2019", "2020", "2021"), [[3.5, 4, 6]], "2019 to 2021, are taken for names"),
        (
            '"1990";"1995";"2000"\n1991;;3\n1;2;3\n',
            ("1990", "1995", "2000"),
            [[1991, NAN, 3], [1, 2, 3]],
            "1990 to 2000, are taken for names",
        ),
        ("1500,1600,1700\n3,4,6\n", ("1", "2", "3"), [[1500, 1600, 1700], [3, 4, 6]], "has no line of names"),
        # an event of each kind in a row: years below years
        ("2019,2020,2021\n2001,2002,2009\n", ("1", "2", "3"), [[2019, 2020, 2021], [2001, 2002, 2009]], "has no line"),
        ("2019,2020,2022\n3,4,6\n", ("1", "2", "3"), [[2019, 2020, 2022], [3, 4, 6]], "has no line of names"),
        ("2021,2020,2019\n3,4,6\n", ("1", "2", "3"), [[2021, 2020, 2019], [3, 4, 6]], "has no line of names"),
        ("2020,2020,2020\n3,4,6\n", ("1", "2", "3"), [[2020, 2020, 2020], [3, 4, 6]], "has no line of names"),
        ("2019,2020\n3,4\n", ("1", "2"), [[2019, 2020], [3, 4]], "has no line of names"),  # too few to tell
        ("2019,2020,2021\n", ("1", "2", "3"), [[2019, 2020, 2021]], "has no line of names"),
        ("5,6,7\n3,4,6\n", ("1", "2", "3"), [[5, 6, 7], [3, 4, 6]], "has no line of names"),
        ("1;2,5\n3;4,5\n", ("1", "2"), [[1, 2.5], [3, 4.5]], "has no line of names"),
        (",a,b\n0,1,2\n1,3,4\n", ("a", "b"), [[1, 2], [3, 4]], "the column '' is taken for names of rows"),
        ("Unnamed: 0,a\nx,1\ny,3\n", ("a",), [[1], [3]], "the column 'Unnamed: 0' is taken for names"),
    ],
)
def test_names_of_columns_and_rows(read_text, caplog, text, columns, values, said):
    contents = read_text(text)
    assert contents.columns == columns
    np.testing.assert_array_equal(contents.parts["train"].values, values)
    assert said in caplog.text if said else not caplog.text


MIXED = "id,size,kind,patient,ok\n7,1.5,cat,a,True\n8,2.5,dog,b,False\n9,3.5,,a,True\n"


def test_labels_groups_and_what_is_dropped(read_text):
    contents = read_text(MIXED, label_column="kind", group_column="patient", drop=("id",))
    rows = contents.parts["train"]
    assert contents.columns == ("size", "ok")
    np.testing.assert_array_equal(rows.values, [[1.5, 1], [2.5, 0], [3.5, 1]])
    assert rows.labels.tolist() == ["cat", "dog", None]
    assert rows.groups.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("column", "labels"),
    [("id", [7, 8, 9]), ("size", [1.5, 2.5, 3.5]), ("ok", [True, False, True]), ("kind", ["cat", "dog", None])],
)
def test_labels_are_as_they_are(read_text, column, labels):
    got = read_text(MIXED, label_column=column, drop=tuple({"kind", "patient"} - {column})).parts["train"].labels
    assert got.tolist() == labels
    assert got.dtype.kind == {"id": "i", "size": "f", "ok": "b", "kind": "O"}[column]


def test_a_missing_number_among_labels_is_nan(read_text):
    np.testing.assert_array_equal(read_text("a,c\n1,3\n2,\n", label_column="c").parts["train"].labels, [3, NAN])


def test_numbers_among_labels_are_exact_where_one_is_missing(read_text):
    rows = read_text(f"a,b\n1,{2**53 + 1}\n2,\n3,{2**53}\n", label_column="b").parts["train"]
    assert as_labels(rows.labels, 3).values.tolist() == [2**53 + 1, -1, 2**53]


@pytest.mark.parametrize("same", [True, False])
def test_the_column_of_rows_may_be_asked_for(read_text, same):
    text = ",a\nx,1\ny,2\n"
    assert read_text(text, group_column="").parts["train"].groups.tolist() == ["x", "y"]


WRONG = {
    "text": ("a,c\n1,x\n2,y\n", r"'c' is text \(2 different values: 'x', 'y'\): make it the label \(--label-column\)"),
    "nearly numbers": ("a,c\n1,1\n2,?\n3,4\n4,5\n", r"'c' has numbers but for '\?', first in data row 2"),
    "dates": ("a,c\n1,2020-01-01\n", "'c' has dates or times"),
    "times": ("a,c\n1,2020-01-01 10:00\n", "'c' has dates or times"),
    "huge": ("a,c\n1,9007199254740993\n", r"beyond 2\^53, such as 9007199254740993, which are not exact"),
    "longer": ("a,c\n1,99999999999999999999\n", r"beyond 2\^53"),
    "thousands": ('a,c\n1,"1,234"\n2,"12,000,000"\n', "separators of thousands, as in"),
    "thousands or fractions": ("a;c\n1,234;2\n5,678;3\n", "1,234 is a thousand or a fraction"),
    "commas and points": ("a;c\n1,5;2.5\n", "decimal points and decimal commas, 2.5 and 1,5"),
    "names twice": ("a,a\n1,2\n", "several columns called 'a'"),
    "a short row": ("a,c\n1,2\n3\n", "its row 3 has 1 cells and not 2"),
    "a long row": ("a,c\n1,2\n3,4\n5,6,7\n", "its row 4 has 3 cells and not 2"),
    "nothing": ("", "is empty"),
    "no rows": ("a,c\n", "has no rows"),
    "an empty column": ("a,c\n1,\n2,\n", "'c' is empty: leave it out"),
    "blanks": ("a c\n1 2\n", "has spaces between its cells: write commas"),
    "R": ('"mpg" "cyl"\n"Mazda" 21 6\n"Fiat" 32 4\n', r"2 cells in its first line and 3 in the others.*row\.names"),
    "R with tabs": ("mpg\tcyl\nMazda\t21\t6\nFiat\t32\t4\n", "2 cells in its first line and 3 in the others"),
    "Excel's first line": ("sep=;\na;c\n1,5;2\n", "begins with Excel's line 'sep=;': remove this line"),
    "Latin-1 in a name": (
        "größe,c\n1,2\n".encode("latin-1"),
        "not text in UTF-8, perhaps in Latin-1: save it as UTF-8",
    ),
    "Latin-1 in a cell": ("a,c\n1,größe\n".encode("latin-1"), "not text in UTF-8"),
    "UTF-16 without a mark": ("a,c\n1,2\n".encode("utf-16-le"), "not text in UTF-8"),
    "zeros": (bytes(100), "not text in UTF-8"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_table_of_numbers(read_text, case):
    text, said = WRONG[case]
    with pytest.raises(DataError, match=said) as caught:
        read_text(text)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (
            {"label_column": "kinds"},
            "has no column 'kinds'; did you mean 'kind'",
        ),
        ({"group_column": "x"}, "has no column 'x'; it has id, size, kind, patient, ok$"),
        ({"drop": ("size", "x")}, "has no column 'x'"),
        ({"group_column": "kind", "drop": ("patient",)}, "'kind' of groups has empty cells"),
        ({"drop": ("id", "size", "kind", "patient", "ok")}, "no columns left"),
    ],
)
def test_wishes_that_cannot_be(read_text, wishes, said):
    with pytest.raises(DataError, match=said):
        read_text(MIXED, **wishes)


def test_parquet(tmp_path):
    table = pa.table(
        {
            "a": pa.array([1, 2, None], pa.int16()),
            "b": pa.array([0.5, 1.5, 2.5], pa.float32()),
            "c": pa.array([True, False, True]),
            "label": pa.array(["x", "y", "x"]).dictionary_encode(),
            "__index_level_0__": pa.array(["r1", "r2", "r3"]),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    contents = read(tmp_path / "t.parquet", label_column="label")
    np.testing.assert_array_equal(contents.parts["train"].values, [[1, 0.5, 1], [2, 1.5, 0], [NAN, 2.5, 1]])
    assert contents.columns == ("a", "b", "c")
    assert contents.parts["train"].labels.tolist() == ["x", "y", "x"]
    with pytest.raises(DataError, match="'label' is text"):
        read(tmp_path / "t.parquet")


def test_parquet_of_single_precision_stays_so(tmp_path, rng):
    values = rng.normal(size=(5, 2)).astype(np.float32)
    parquet.write_table(pa.table({"a": values[:, 0], "b": values[:, 1]}), tmp_path / "t.parquet")
    got = read(tmp_path / "t.parquet").parts["train"].values
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, values)


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.binary(), pa.date32()])
def test_parquet_of_other_types(tmp_path, kind):
    value = {"list<element: int8>": [1]}.get(str(kind), b"1" if kind == pa.binary() else 3)
    value = [1] if pa.types.is_list(kind) else value
    parquet.write_table(pa.table({"a": pa.array([value, value], kind)}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="the column 'a'"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet"])
def test_a_small_file_of_very_much(tmp_path, monkeypatch, name):
    monkeypatch.setattr(opening, "ROOM", 1 << 20)
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"a,b\n" + 5_000_000 * b"0,0\n", 1))
    else:
        parquet.write_table(pa.table({"a": np.zeros(5_000_000)}), tmp_path / name)
    assert (tmp_path / name).stat().st_size < 2e5
    with pytest.raises(DataError, match="would unpack to"):
        read(tmp_path / name)


def test_a_folder_of_parts(tmp_path):
    (tmp_path / "train.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "test.csv").write_text("a,b\n5,6\n")
    assert tables.READER.recognises(tmp_path)
    contents = read(tmp_path)
    assert set(contents.parts) == {"train", "test"}
    np.testing.assert_array_equal(contents.parts["test"].values, [[5, 6]])
    (tmp_path / "test.csv").write_text("a,c\n5,6\n")
    with pytest.raises(DataError, match="other columns than train: b, c"):
        read(tmp_path)
    (tmp_path / "test.csv").write_text("b,a\n5,6\n")
    with pytest.raises(DataError, match="other columns than train: in another order"):
        read(tmp_path)
    (tmp_path / "more.csv").touch()
    with pytest.raises(DataError, match=r"holds more\.csv beside tables"):
        read(tmp_path)


def test_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'gluonvae\[tables\]'"):
        read(tmp_path / "t.csv")
