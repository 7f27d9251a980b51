"""What an ONNX file says about itself, read before any library runs it.

A walk over the protocol buffer's fields that allocates nothing: it finds files that are cut or are
something else, weights kept in other files, and operators that this program does not know.
"""

from collections.abc import Iterator

from samdesk.errors import ModelError

# Field numbers of onnx.proto3 (github.com/onnx/onnx, IR version 14).
MODEL_IR, MODEL_GRAPH, MODEL_OPSET = 1, 7, 8
OPSET_DOMAIN, OPSET_VERSION = 1, 2
GRAPH_NODE, GRAPH_TENSOR, GRAPH_SPARSE = 1, 5, 15
NODE_ATTRIBUTE, NODE_DOMAIN = 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
TENSOR_EXTERNAL, TENSOR_LOCATION, ENTRY_KEY, ENTRY_VALUE = 13, 14, 1, 2

NEWEST_IR = 14
NEWEST_OPSET = 28
OWN_DOMAINS = (b"", b"ai.onnx")
DEEPEST = 8
AGAIN = "Install the model again."

Field = tuple[int, int, int, int]


def check(data: bytes, name: str) -> None:
    """Refuse a file that is damaged, needs other files, or a newer program.

    Args:
        data: the whole file.
        name: of the model, for the sentence.

    Raises:
        ModelError: empty-file, model-damaged, model-incompatible, outside-folder, files-missing.
    """
    if not data:
        raise ModelError(f'The file of the model "{name}" is empty.', code="empty-file", hint=AGAIN)
    try:
        graphs = _check_model(data, name)
        for start, end in graphs:
            _check_graph(data, start, end, name, 0)
    except (IndexError, ValueError) as error:
        raise _damaged(name) from error
    if not graphs:
        raise _damaged(name)


def _check_model(data: bytes, name: str) -> list[tuple[int, int]]:
    graphs = []
    for number, wire, start, end in _fields(data, 0, len(data)):
        if number == MODEL_IR and wire == 0 and start > NEWEST_IR:
            raise _newer(name, f"file format {start}; this one reads up to {NEWEST_IR}")
        if number == MODEL_OPSET and wire == 2:
            _check_opset(data, start, end, name)
        if number == MODEL_GRAPH and wire == 2:
            graphs.append((start, end))
    return graphs


def _check_opset(data: bytes, start: int, end: int, name: str) -> None:
    domain, version = b"", 0
    for number, wire, first, last in _fields(data, start, end):
        if number == OPSET_DOMAIN and wire == 2:
            domain = data[first:last]
        elif number == OPSET_VERSION and wire == 0:
            version = first
    if domain in OWN_DOMAINS and version > NEWEST_OPSET:
        raise _newer(name, f"operators of version {version}; this one has up to {NEWEST_OPSET}")


def _check_graph(data: bytes, start: int, end: int, name: str, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    for number, wire, first, last in _fields(data, start, end):
        if wire != 2:
            continue
        if number == GRAPH_TENSOR:
            _check_tensor(data, first, last, name)
        elif number == GRAPH_SPARSE:
            raise ModelError(
                f'The model "{name}" keeps sparse weights, which samdesk does not run.',
                code="model-incompatible",
            )
        elif number == GRAPH_NODE:
            _check_node(data, first, last, name, depth)


def _check_node(data: bytes, start: int, end: int, name: str, depth: int) -> None:
    for number, wire, first, last in _fields(data, start, end):
        if number == NODE_DOMAIN and wire == 2 and data[first:last] not in OWN_DOMAINS:
            raise ModelError(
                f'The model "{name}" uses operators that are not part of ONNX.',
                code="model-incompatible",
                hint="Only models without own operators can be used.",
            )
        if number != NODE_ATTRIBUTE or wire != 2:
            continue
        for inner, inner_wire, one, two in _fields(data, first, last):
            if inner_wire == 2 and inner in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
                _check_tensor(data, one, two, name)
            elif inner_wire == 2 and inner in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
                _check_graph(data, one, two, name, depth + 1)


def _check_tensor(data: bytes, start: int, end: int, name: str) -> None:
    """Refuse weights that lie in another file; that file is never opened."""
    is_external, where = False, b""
    for number, wire, first, last in _fields(data, start, end):
        if number == TENSOR_LOCATION and wire == 0:
            is_external = is_external or first == 1
        elif number == TENSOR_EXTERNAL and wire == 2:
            is_external = True
            entry = {n: data[a:b] for n, w, a, b in _fields(data, first, last) if w == 2}
            if entry.get(ENTRY_KEY) == b"location":
                where = entry.get(ENTRY_VALUE, b"")
    if not is_external:
        return
    leads_out = where.startswith((b"/", b"\\")) or b".." in where or b":" in where
    raise ModelError(
        f'The weights of the model "{name}" lie in another file'
        + (", outside its folder." if leads_out else ", which samdesk does not read."),
        code="outside-folder" if leads_out else "files-missing",
        hint="A model must be one ONNX file that holds its weights.",
    )


def _fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    """Give (number, wire type, start, end) of each field; for numbers start is the value."""
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field 0")
        if wire == 0:
            value, at = _varint(data, at, end)
            yield number, wire, value, value
            continue
        if wire == 2:
            length, at = _varint(data, at, end)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + length > end:
            raise ValueError("a field reaches beyond its message")
        yield number, wire, at, at + length
        at += length


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("cut in a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without end")


def _damaged(name: str) -> ModelError:
    return ModelError(
        f'The file of the model "{name}" is not a whole ONNX model.',
        code="model-damaged",
        hint="Download the model again.",
    )


def _newer(name: str, why: str) -> ModelError:
    return ModelError(
        f'The model "{name}" was made for a newer program: it has {why}.',
        code="model-incompatible",
        hint="Install a newer samdesk.",
    )
