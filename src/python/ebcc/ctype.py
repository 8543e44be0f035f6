# SPDX-License-Identifier: Apache-2.0
"""ctypes classes for the types of the C source.

The extension walks the library's type descriptions and calls one function here once per type;
instances are then created in C. char becomes c_char, so an array of it reads as bytes; other
integers become the unsigned or signed class of their size; a pointer is an unsigned number;
__int128 is an array of two numbers.
"""

import ctypes as ct

from ._ebcc import FormatError

_UNSIGNED = {1: ct.c_ubyte, 2: ct.c_ushort, 4: ct.c_uint, 8: ct.c_ulonglong}
_SIGNED = {1: ct.c_byte, 2: ct.c_short, 4: ct.c_int, 8: ct.c_longlong}
_FLOATS = {4: ct.c_float, 8: ct.c_double}

# The library's encodings of integers; 0 is a plain number.
_CHAR, _BOOL = 1, 2


# These functions return a class; sizes are in bytes.

def integer(size, signed, encoding):
    if encoding == _BOOL and size == 1:
        return ct.c_bool
    if encoding == _CHAR and size == 1:
        return ct.c_char
    if size == 16:
        return (ct.c_longlong if signed else ct.c_ulonglong) * 2
    return (_SIGNED if signed else _UNSIGNED).get(size) or opaque(size)


def floating(size):
    return _FLOATS.get(size) or opaque(size)


def array(item, count):
    return item * count


def opaque(size):
    return ct.c_ubyte * size


def plain(size):
    """The class of keys and leaves that the BPF object does not describe: an index, an address, or
    bytes."""
    return {4: ct.c_int, 8: ct.c_ulonglong}.get(size) or opaque(size)


def record(name, size, is_union, members):
    """The class of a struct or union. members: (name, class, bit offset, bit size or 0) in order.
    Raises FormatError if they are not in order."""
    members = _named(members)
    base = ct.Union if is_union else ct.Structure
    result = _natural(name, base, members)
    if not _has_layout(result, size, members):
        result = _explicit(name, base, size, members)
    result.__repr__ = _repr_of([member[0] for member in members])
    return result


def _repr_of(names):
    """A __repr__() that shows a record's class and the members with these names."""
    def show(self):
        values = ((name, getattr(self, name)) for name in names)
        return "%s(%s)" % (type(self).__name__, ", ".join(
            "%s=%r" % (name, list(value) if isinstance(value, ct.Array) else value)
            for name, value in values))

    return show


def _named(members):
    """Gives names to anonymous members, which _anonymous_ then makes transparent."""
    anonymous = (number for number in range(len(members)))
    return [("__anon%d" % next(anonymous) if not member[0] else member[0], *member[1:],
             not member[0]) for member in members]


def _natural(name, base, members):
    """The class as ctypes lays it out: the same as in C, unless the type has attributes."""
    fields = [(field, kind, bits) if bits else (field, kind)
              for field, kind, _, bits, _ in members]
    return type(name or "struct", (base,), {
        "_anonymous_": [member[0] for member in members if member[4] and _is_record(member[1])],
        "_fields_": fields,
    })


def _is_record(kind):
    return issubclass(kind, (ct.Structure, ct.Union))


def _has_layout(kind, size, members):
    if ct.sizeof(kind) != size:
        return False
    for field, _, bit_offset, bits, _ in members:
        descriptor = getattr(kind, field)
        shift = descriptor.size & 0xffff if bits else 0
        if descriptor.offset * 8 + shift != bit_offset:
            return False
    return True


def _explicit(name, base, size, members):
    """The class of a packed, aligned or otherwise unusual record: explicit padding gives every member
    its offset. Bit fields, which ctypes places by its own rules, become properties that access the
    padding."""
    fields, namespace, end = [], {"_pack_": 1}, 0
    for field, kind, bit_offset, bits, _ in members:
        offset = bit_offset // 8
        if bits:
            namespace[field] = _bits_property(kind, bit_offset, bits)
            continue
        if base is ct.Structure and offset > end:
            fields.append(_padding(fields, offset - end))
        fields.append((field, kind))
        end = max(end, offset + ct.sizeof(kind))
    if base is ct.Union or end < size:
        fields.append(_padding(fields, size if base is ct.Union else size - end))
    namespace["_anonymous_"] = [member[0] for member in members
                                if member[4] and _is_record(member[1])]
    namespace["_fields_"] = fields
    result = type(name or "struct", (base,), namespace)
    plain = [member for member in members if not member[3]]
    if not _has_layout(result, size, plain):
        raise FormatError("the members of '%s' are described in the wrong order" % name)
    return result


def _padding(fields, size):
    return "__pad_%d" % len(fields), ct.c_ubyte * size


def _bits_property(kind, bit_offset, bits):
    first, last = bit_offset // 8, (bit_offset + bits + 7) // 8
    shift, mask = bit_offset - first * 8, (1 << bits) - 1
    signed = kind in _SIGNED.values()

    def read(self):
        number = int.from_bytes(bytes(self)[first:last], "little") >> shift & mask
        return number - (mask + 1) if signed and number >> (bits - 1) else number

    def write(self, value):
        window = (ct.c_ubyte * (last - first)).from_buffer(self, first)
        number = int.from_bytes(bytes(window), "little") & ~(mask << shift)
        number |= (int(value) & mask) << shift
        window[:] = number.to_bytes(last - first, "little")

    return property(read, write)


class _Value:
    """Adds the attribute that ctypes objects of simple types have."""
    __slots__ = ()

    @property
    def value(self):
        """The same value as an object of Python's own type."""
        return self._plain(self)


class _Int(_Value, int):
    __slots__ = ()
    _plain = int


class _Bool(_Value, int):
    """A bool; int is the base because bool cannot be subclassed."""
    __slots__ = ()
    _plain = bool

    def __repr__(self):
        return repr(self.value)

    __str__ = __repr__


class _Float(_Value, float):
    __slots__ = ()
    _plain = float


class _Bytes(_Value, bytes):
    __slots__ = ()
    _plain = bytes


_VALUES = {int: _Int, bool: _Bool, float: _Float, bytes: _Bytes}


def number(instance):
    """The number (bytes for a char) in a ctypes object of a simple type, with an attribute value: some
    scripts expect the ctypes object and others the plain number. Other objects are returned as they
    are."""
    if not isinstance(instance, ct._SimpleCData):
        return instance
    value = instance.value
    return _VALUES[type(value)](value)


def instance(kind, value):
    """Converts what a caller passed to an instance of the class kind. It may be an instance of another
    class of the same size, text in a buffer of any size if the text fits, a number, bytes or str for
    characters, a tuple or list for records and arrays. Raises TypeError or ValueError if it can't be
    converted."""
    if isinstance(value, kind):
        return value
    if isinstance(value, ct._SimpleCData):
        if not issubclass(kind, ct._SimpleCData) and ct.sizeof(value) == ct.sizeof(kind):
            return kind.from_buffer_copy(value)
        return instance(kind, value.value)
    if isinstance(value, (ct.Structure, ct.Union, ct.Array)):
        return _from_memory(kind, value)
    if isinstance(value, str) and (kind is ct.c_char or _is_text(kind)):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return _from_bytes(kind, value)
    if isinstance(value, (tuple, list)):
        return kind(*value)
    if not issubclass(kind, ct._SimpleCData):
        raise TypeError("%r can't be converted to %r" % (value, kind))
    return kind(value.__index__() if hasattr(value, "__index__") else value)


def _from_memory(kind, value):
    """Converts an instance of another class. A buffer of text may be shorter or longer than its target;
    a script's own class may lack the padding at the end."""
    data, size = bytes(value), ct.sizeof(kind)
    if _is_text(type(value)) and not issubclass(kind, ct._SimpleCData):
        data = data[:size].ljust(size, b"\0") + data[size:].rstrip(b"\0")
    elif _is_record(type(value)) and 0 < size - len(data) < ct.alignment(kind):
        data = data.ljust(size, b"\0")
    if len(data) != size:
        raise TypeError("%r of %d bytes can't be converted to %d bytes" % (type(value), len(data), size))
    return kind.from_buffer_copy(data)


def _is_text(kind):
    return issubclass(kind, ct.Array) and kind._type_ is ct.c_char


def _from_bytes(kind, value):
    if _is_text(kind):
        if len(value) > ct.sizeof(kind):
            raise ValueError("%d bytes don't fit into char[%d]" % (len(value), ct.sizeof(kind)))
        return kind.from_buffer_copy(value.ljust(ct.sizeof(kind), b"\0"))
    if kind is ct.c_char:
        return kind(value)
    if len(value) == ct.sizeof(kind):
        return kind.from_buffer_copy(value)
    raise TypeError("%d bytes given where %d are needed" % (len(value), ct.sizeof(kind)))
