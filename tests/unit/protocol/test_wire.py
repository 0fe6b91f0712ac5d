import json
import re
from importlib.resources import files

import jsonschema
import msgspec
import pytest

from rtlab.protocol import SUBPROTOCOLS, Code, Codec, State
from rtlab.protocol.channels import CHANNEL_KINDS
from rtlab.protocol.wire import (
    CLIENT_MESSAGES,
    PARTS,
    SERVER_MESSAGES,
    asyncapi,
    blocks_in,
    filled,
    json_example,
    page,
    to_json,
)

PROSE = page("WIRE.md").decode()
DOCUMENT = json.loads(page("wire.json"))
FORMS = {form.__name__: form for form in (*CLIENT_MESSAGES, *SERVER_MESSAGES)}
CLIENT = {form.__name__ for form in CLIENT_MESSAGES}


def decode(name, payload):
    codec = Codec("json")
    return codec.decode_client(payload) if name in CLIENT else codec.decode_server(payload)


def test_the_files_are_what_the_code_makes_of_them():
    assert page("wire.json") == to_json(asyncapi()), "run `make wire`"
    assert filled(PROSE) == PROSE, "run `make wire`"


def test_the_prose_has_a_block_for_every_message_and_table():
    assert blocks_in(PROSE) == {*FORMS, "codes", "checksum", "packed"}


def test_a_block_that_was_changed_by_hand_is_written_anew():
    changed = PROSE.replace("| 4008 |", "| 4999 |")
    assert changed != PROSE
    assert filled(changed) == PROSE


@pytest.mark.parametrize("name", FORMS)
def test_every_field_of_every_message_is_in_both(name):
    block = re.search(f"<!-- begin {name} -->(.*?)<!-- end {name} -->", PROSE, re.DOTALL)[1]
    schema = DOCUMENT["components"]["schemas"][name]
    for field in msgspec.structs.fields(FORMS[name]):
        assert f"| `{field.name}` |" in block
        assert schema["properties"][field.name]["description"]
    message = DOCUMENT["components"]["messages"][name]
    tag, *fields = message["x-msgpack"]
    assert (tag, tuple(fields)) == (FORMS[name].__struct_config__.tag, FORMS[name].__struct_fields__)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_field_of_the_parts_is_in_both(part):
    for field in part.__struct_fields__:
        assert f"| `{field}` |" in PROSE
        assert DOCUMENT["components"]["schemas"][part.__name__]["properties"][field]["description"]


def test_every_json_example_of_the_prose_decodes_and_encodes_to_the_same():
    examples = re.findall(r"^```json\n(.*?)\n```", PROSE, re.MULTILINE | re.DOTALL)
    assert [json.loads(example)["type"] for example in examples] == list(FORMS)
    for example in examples:
        name = json.loads(example)["type"]
        assert Codec("json").encode(decode(name, example)) == example.encode()


@pytest.mark.parametrize("name", FORMS)
def test_the_examples_of_the_document_hold_to_its_schemas(name):
    [example] = DOCUMENT["components"]["messages"][name]["examples"]
    assert Codec("json").encode(decode(name, json.dumps(example["payload"]))) == json_example(name)
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft7Validator(schema).validate(example["payload"])
    jsonschema.Draft7Validator.check_schema(schema)
    wrong = {**example["payload"], "type": "Nothing"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(wrong)


def test_a_row_that_is_too_short_or_too_long_does_not_hold_to_the_schemas():
    [example] = DOCUMENT["components"]["messages"]["Increment"]["examples"]
    schema = {"$ref": "#/components/schemas/Increment", "components": DOCUMENT["components"]}
    validator = jsonschema.Draft7Validator(schema)
    for row in ([0, 1], [0, 1, 2, 3], [2, 1, 1], ["0", 1, 1]):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**example["payload"], "changes": [row]})


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_of_the_document_leads_somewhere():
    found = set(references(DOCUMENT))
    assert len(found) > len(FORMS)
    for reference in found:
        node = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_the_table_of_codes_is_the_codes():
    block = re.search(r"<!-- begin codes -->(.*?)<!-- end codes -->", PROSE, re.DOTALL)[1]
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", block, re.MULTILINE)
    assert [(int(code), name) for code, name in rows] == [(int(code), code.name) for code in Code]
    assert {int(code) for code in DOCUMENT["x-close-codes"]} == {int(code) for code in Code}


def test_the_prose_names_subprotocols_channels_and_states():
    for name in SUBPROTOCOLS:
        assert f"`{name}`" in PROSE
    for channel in CHANNEL_KINDS:
        assert f"### {channel}" in PROSE
    for state in State:
        if state is not State.EVICTED:  # a close, no Status
            assert str(state) in PROSE


def test_the_pages_are_installed_beside_the_code():
    assert {"WIRE.md", "wire.json"} <= {one.name for one in files("rtlab.protocol").iterdir()}
