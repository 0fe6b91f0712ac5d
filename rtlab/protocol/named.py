"""Twins of the messages whose fields go by name: JSON for people and for other languages."""

import types
from typing import Any, Union, get_args, get_origin

import msgspec

from rtlab.protocol import messages
from rtlab.protocol.messages import Batch, ClientMessage, ServerMessage

_TWINS: dict[type, Any] = {}


def named(form: Any) -> Any:
    """Give the twin of a message type, or of a type that is made of them; other types as they are."""
    if isinstance(form, type) and issubclass(form, msgspec.Struct):
        if form not in _TWINS:
            _TWINS[form] = _twin(form)
        return _TWINS[form]
    if isinstance(form, types.UnionType) or get_origin(form) is Union:
        return Union[tuple(named(part) for part in get_args(form))]  # noqa: UP007
    if get_origin(form) is list:
        return list[named(get_args(form)[0])]  # type: ignore[misc]
    return form


def to_named(message: ClientMessage | ServerMessage) -> msgspec.Struct:
    """Give the twin value of a message."""
    if isinstance(message, Batch):
        return named(Batch)([to_named(part) for part in message.messages])  # type: ignore[no-any-return]
    return msgspec.convert(message, named(type(message)), from_attributes=True)  # type: ignore[no-any-return]


def from_named(twin: Any) -> Any:
    """Give the message of a twin value."""
    form = getattr(messages, type(twin).__name__)
    if form is Batch:
        return Batch([from_named(part) for part in twin.messages])
    return msgspec.convert(twin, form, from_attributes=True)


def _twin(form: type[msgspec.Struct]) -> type[msgspec.Struct]:
    config = form.__struct_config__
    return msgspec.defstruct(
        form.__name__,
        [_field(one) for one in msgspec.structs.fields(form)],
        frozen=True,
        tag=None if config.tag is None else form.__name__,
        forbid_unknown_fields=config.forbid_unknown_fields,
    )


def _field(one: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    if one.required:
        return one.name, named(one.type)
    if one.default_factory is not msgspec.NODEFAULT:
        return one.name, named(one.type), msgspec.field(default_factory=one.default_factory)
    return one.name, named(one.type), one.default
