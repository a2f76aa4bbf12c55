"""The messages and services of `protos/`, from their descriptors; a pool of their own, so that nobody's names clash."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

DESCRIPTORS = Path(__file__).with_name("protos") / "descriptors.binpb"  # made by `make protos`


@cache
def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    return pool


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a message by its full name, such as "version.VersionMessage"."""
    return GetMessageClass(_pool().FindMessageTypeByName(name))


def service(name: str) -> ServiceDescriptor:
    """Return a service by its full name, such as "version.VersionService"."""
    return _pool().FindServiceByName(name)
