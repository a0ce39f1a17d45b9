"""Structs in Thrift's compact protocol, in which the footer of a Parquet file is written.

After https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. A struct
is read as it stands, whatever its fields mean, and written back as the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
LONG = 15
"""A list's length or a field's distance from which on it is written apart."""
Struct = dict[int, tuple[int, Any]]
"""A field's number to its type and value; the order is the fields'."""


@dataclass
class _Reader:
    content: bytes
    place: int = 0

    def byte(self) -> int:
        self.place += 1
        return self.content[self.place - 1]

    def take(self, count: int) -> bytes:
        self.place += count
        if self.place > len(self.content):
            raise IndexError("a struct ends early")
        return self.content[self.place - count : self.place]

    def number(self) -> int:
        result = shift = 0
        while (byte := self.byte()) & 0x80:
            result |= (byte & 0x7F) << shift
            shift += 7
        return result | byte << shift

    def signed(self) -> int:
        number = self.number()
        return number >> 1 ^ -(number & 1)

    def struct(self) -> Struct:
        fields: Struct = {}
        field = 0
        while header := self.byte():
            field = field + (header >> 4) if header >> 4 else self.signed()
            fields[field] = (header & 15, self.value(header & 15))
        return fields

    def value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return None  # the type says it
        read: dict[int, Callable[[], Any]] = {BYTE: self.byte, STRUCT: self.struct}
        read |= {DOUBLE: self.double, BINARY: self.binary}
        read |= dict.fromkeys((I16, I32, I64), self.signed)
        read |= dict.fromkeys((LIST, SET), self.listed)
        if kind not in read:
            raise ValueError(f"no type {kind} in a footer")
        return read[kind]()

    def double(self) -> bytes:
        return self.take(8)

    def binary(self) -> bytes:
        return self.take(self.number())

    def listed(self) -> tuple[int, list[Any]]:
        header = self.byte()
        size = self.number() if header >> 4 == LONG else header >> 4
        kind = header & 15
        if kind in (TRUE, FALSE):
            return kind, [self.byte() for _ in range(size)]
        return kind, [self.value(kind) for _ in range(size)]


def read(content: bytes) -> Struct:
    """Read a struct.

    Args:
        content: Its bytes.

    Raises:
        ValueError: They are none.
    """
    try:
        return _Reader(content).struct()
    except IndexError as error:
        raise ValueError(f"no struct: {error}") from None


def write(struct: Struct) -> bytes:
    """Return the bytes of a struct."""
    out = bytearray()
    _struct(out, struct)
    return bytes(out)


def _number(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _signed(out: bytearray, number: int) -> None:
    _number(out, number << 1 if number >= 0 else ~number << 1 | 1)


def _struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for field, (kind, value) in struct.items():
        if 0 < field - last <= LONG:
            out.append(field - last << 4 | kind)
        else:
            out.append(kind)
            _signed(out, field)
        last = field
        _value(out, kind, value)
    out.append(0)


def _value(out: bytearray, kind: int, value: Any) -> None:
    if kind == BYTE:
        out.append(value)
    elif kind in (I16, I32, I64):
        _signed(out, value)
    elif kind == DOUBLE:
        out += value
    elif kind == BINARY:
        _number(out, len(value))
        out += value
    elif kind in (LIST, SET):
        _listed(out, *value)
    elif kind == STRUCT:
        _struct(out, value)


def _listed(out: bytearray, kind: int, values: list[Any]) -> None:
    if len(values) < LONG:
        out.append(len(values) << 4 | kind)
    else:
        out.append(LONG << 4 | kind)
        _number(out, len(values))
    for value in values:
        if kind in (TRUE, FALSE):
            out.append(value)
        else:
            _value(out, kind, value)
