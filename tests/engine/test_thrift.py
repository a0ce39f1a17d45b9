import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.engine import thrift

VALUES = st.deferred(
    lambda: st.one_of(
        st.tuples(st.sampled_from([thrift.TRUE, thrift.FALSE]), st.none()),
        st.tuples(st.sampled_from([4, 5, 6]), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just(thrift.BYTE), st.integers(0, 255)),
        st.tuples(st.just(thrift.DOUBLE), st.binary(min_size=8, max_size=8)),
        st.tuples(st.just(thrift.BINARY), st.binary(max_size=200)),
        st.tuples(st.just(thrift.STRUCT), STRUCTS),
        st.tuples(st.just(thrift.LIST), st.tuples(st.just(6), st.lists(st.integers(0, 9)))),
        st.tuples(st.just(thrift.LIST), st.tuples(st.just(12), st.lists(STRUCTS, max_size=20))),
    )
)
STRUCTS = st.dictionaries(st.integers(1, 300), VALUES, max_size=6)


@given(STRUCTS)
def test_a_struct_is_read_as_it_was_written(struct):
    assert thrift.read(thrift.write(struct)) == struct


def test_a_footer_is_written_as_duckdb_wrote_it(tmp_path):
    path = tmp_path / "a.parquet"
    duckdb.sql("SELECT i, i::VARCHAR AS t, i % 2 = 0 AS b FROM range(9) t(i)").write_parquet(
        str(path)
    )
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length : -8]
    assert thrift.write(thrift.read(footer)) == footer


@pytest.mark.parametrize("content", [b"", b"\x15", b"\x1d\x00", b"\x18\xff\xff\x03ab"])
def test_what_is_no_struct_is_said_to_be_none(content):
    with pytest.raises(ValueError):
        thrift.read(content)
