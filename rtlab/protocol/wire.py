"""The description of the wire, made from the messages themselves: AsyncAPI 3, and the tables of WIRE.md."""

import re
from importlib.resources import files
from typing import Any, get_args
from zlib import crc32

import msgspec

from rtlab.protocol import examples
from rtlab.protocol.codec import SUBPROTOCOLS, VERSION, Codec
from rtlab.protocol.examples import EXAMPLES
from rtlab.protocol.meanings import CODES, MEANINGS
from rtlab.protocol.messages import Batch, Channel, ClientMessage, SingleMessage, TotalsBefore
from rtlab.protocol.named import named
from rtlab.protocol.packed import varints

CLIENT_MESSAGES: tuple[type[msgspec.Struct], ...] = get_args(ClientMessage)
SERVER_MESSAGES: tuple[type[msgspec.Struct], ...] = (*get_args(SingleMessage), Batch)
PARTS: tuple[type[msgspec.Struct], ...] = (Channel, TotalsBefore)

_SCHEMAS = "#/components/schemas/{name}"
_BLOCK = "<!-- begin {0} -->\n{1}\n<!-- end {0} -->"


def page(name: str) -> bytes:
    """Give a file of the description, "WIRE.md" or "wire.json", as it was installed."""
    return files("rtlab.protocol").joinpath(name).read_bytes()


def asyncapi() -> dict[str, Any]:
    """Give the AsyncAPI 3 document of the JSON subprotocol; `x-` fields tell what msgpack makes of it."""
    everything = (*CLIENT_MESSAGES, *SERVER_MESSAGES)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "rtlab feed",
            "version": f"{VERSION}.0.0",
            "description": "Books, trades, tickers and bars of a market. The rules are in WIRE.md beside this file.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"feed": {"host": "127.0.0.1:8765", "protocol": "ws", "pathname": "/"}},
        "channels": {
            "feed": {
                "address": "/",
                "description": f"One WebSocket, subprotocols {' and '.join(SUBPROTOCOLS)}.",
                "messages": {
                    one.__name__: {"$ref": f"#/components/messages/{one.__name__}"} for one in everything
                },
            }
        },
        "operations": {
            "receiveFromReader": _operation("receive", CLIENT_MESSAGES),
            "sendToReader": _operation("send", SERVER_MESSAGES),
        },
        "components": {
            "messages": {one.__name__: _message(one) for one in everything},
            "schemas": _schemas(),
        },
        "x-close-codes": {
            str(int(code)): {"name": code.name, "meaning": says, "reader": does}
            for code, (says, does) in CODES.items()
        },
    }


def to_json(document: dict[str, Any]) -> bytes:
    """Give a document as the bytes of its file."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def filled(text: str) -> str:
    """Give the text of WIRE.md with every generated block as it should be."""
    for name, block in _blocks().items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        whole = _BLOCK.format(name, block)
        text = re.sub(f"{begin}.*?{end}", lambda _, whole=whole: whole, text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def blocks_in(text: str) -> set[str]:
    """Give the names of the generated blocks that a text has."""
    return set(re.findall(r"<!-- begin (.+?) -->", text))


def _operation(action: str, messages: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    references = [{"$ref": f"#/channels/feed/messages/{one.__name__}"} for one in messages]
    return {"action": action, "channel": {"$ref": "#/channels/feed"}, "messages": references}


def _message(form: type[msgspec.Struct]) -> dict[str, Any]:
    name = form.__name__
    return {
        "name": name,
        "summary": _summary(form),
        "payload": {"$ref": _SCHEMAS.format(name=name)},
        "examples": [{"payload": msgspec.json.decode(json_example(name))}],
        "x-msgpack": [form.__struct_config__.tag, *form.__struct_fields__],
    }


def json_example(name: str) -> bytes:
    """Give the worked example of a message as its JSON payload."""
    return Codec("json").encode(EXAMPLES[name])


def _schemas() -> dict[str, Any]:
    forms = [named(one) for one in (*CLIENT_MESSAGES, *SERVER_MESSAGES, *PARTS)]
    _, schemas = msgspec.json.schema_components(forms, ref_template=_SCHEMAS)
    for name, schema in schemas.items():
        for field, meaning in MEANINGS[name].items():
            schema["properties"][field] = {**schema["properties"][field], "description": meaning}
    return {name: _draft_07(schema) for name, schema in schemas.items()}


def _draft_07(node: Any) -> Any:
    """Say in JSON Schema draft 07, which AsyncAPI 3 is made on, what msgspec says in 2020-12."""
    if isinstance(node, list):
        return [_draft_07(one) for one in node]
    if not isinstance(node, dict):
        return node
    # AsyncAPI's discriminator is the name of a field; the types of the messages tell them apart without it
    told = {key: _draft_07(one) for key, one in node.items() if key != "discriminator"}
    if "prefixItems" in told:
        told["items"], told["additionalItems"] = told.pop("prefixItems"), False
    return told


def _summary(form: type[msgspec.Struct]) -> str:
    first = (form.__doc__ or "").partition("\n\n")[0]
    return " ".join(first.split())


def _blocks() -> dict[str, str]:
    tables = {
        form.__name__: _table(form) for form in (*CLIENT_MESSAGES, *SERVER_MESSAGES) if form is not Batch
    }
    return {
        **tables,
        "Batch": _table(Batch),
        "codes": _codes(),
        "checksum": _checksum(),
        "packed": _packed(),
    }


def _table(form: type[msgspec.Struct]) -> str:
    name = form.__name__
    lines = [_summary(form), "", f"msgpack: `{_layout(form)}`", ""]
    lines += _rows(form)
    for part in PARTS:
        if any(part.__name__ in str(field.type) for field in msgspec.structs.fields(form)):
            lines += [
                "",
                f"Each {part.__name__}, msgpack `{_layout(part)}`: {_summary(part)}",
                "",
                *_rows(part),
            ]
    return "\n".join([*lines, "", "```json", json_example(name).decode(), "```"])


def _layout(form: type[msgspec.Struct]) -> str:
    tag = form.__struct_config__.tag
    return "[" + ", ".join([*([] if tag is None else [str(tag)]), *form.__struct_fields__]) + "]"


def _rows(form: type[msgspec.Struct]) -> list[str]:
    lines = ["| field | meaning |", "|---|---|"]
    lines += [f"| `{field}` | {meaning} |" for field, meaning in MEANINGS[form.__name__].items()]
    return lines


def _codes() -> str:
    lines = ["| code | name | says | the reader |", "|---|---|---|---|"]
    lines += [f"| {int(code)} | {code.name} | {says} | {does} |" for code, (says, does) in CODES.items()]
    return "\n".join(lines)


def _checksum() -> str:
    lines = []
    for title, bids, asks in (
        ("The book of the Snapshot above", examples.BIDS, examples.ASKS),
        ("After the Increment above", examples.BIDS_AFTER, examples.ASKS_AFTER),
    ):
        lines += [f"{title}:", "", "```text"]
        lines += [
            f"{side} {price:>8} {qty:>5}   {examples.packed([(price, qty)], []).hex(' ', 8)}"
            for side, levels in (("bid", bids), ("ask", asks))
            for price, qty in levels
        ]
        lines += [f"crc32 = {crc32(examples.packed(bids, asks))}", "```", ""]
    return "\n".join(lines[:-1])


def _packed() -> str:
    body = Codec("packed").encode(EXAMPLES["Increment"])
    numbers = " ".join(map(str, varints(body[5:])))
    lines = [
        f"head      {body[:1].hex()}",
        f"checksum  {body[1:5].hex(' ')}",
        f"numbers   {body[5:].hex(' ')}",
    ]
    return "\n".join(["The Increment above:", "", "```text", *lines, f"        = {numbers}", "```"])
