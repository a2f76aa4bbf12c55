"""gRPC and gRPC-Web on the port of REST, with clients of other makers."""

from __future__ import annotations

import base64
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import grpc
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.api.answers import Code
from gitopsd.api.grpc import schema
from gitopsd.api.grpc.framing import Status, framed, timeout_s
from gitopsd.api.tls import TlsFiles
from gitopsd.errors import GitopsError
from tests.api.grpcclient import client
from tests.api.serving import serving
from tests.certificates import certificate
from tests.fakes.backend import FakeBackend

VERSION = "version.VersionService/Version"
WEB, WEB_TEXT = {"Content-Type": "application/grpc-web+proto"}, {"Content-Type": "application/grpc-web-text"}
PROTOS = Path(schema.__file__).with_name("protos")


async def test_grpc_and_rest_answer_on_one_port() -> None:
    async with serving(FakeBackend()) as api, client(api.port) as grpc_client:
        answer = await grpc_client.ask(VERSION)
        rest = await api.get("/api/version")

    assert ("0.1.0", "0.1.0") == (answer.Version, rest["Version"])
    assert ("gRPC", f"/{VERSION}", Code.OK) in api.observed


async def test_tls_decides_by_what_the_client_speaks(tmp_path: Path) -> None:
    _, authority = certificate(tmp_path)
    tls = TlsFiles(authority, tmp_path / "key.pem")
    both = ssl.create_default_context(cafile=str(authority))
    both.set_alpn_protocols(["h2", "http/1.1"])  # as browsers do
    async with (
        serving(FakeBackend(), tls=tls) as api,
        client(api.port, authority=authority.read_bytes()) as grpc_client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=both)) as browser,
        browser.get(f"https://127.0.0.1:{api.port}/healthz") as health,
    ):
        assert "0.1.0" == (await grpc_client.ask(VERSION)).Version
        assert 200 == health.status


async def test_method_that_is_not_there_is_told_by_its_status() -> None:
    async with serving(FakeBackend()) as api, client(api.port) as grpc_client:
        with pytest.raises(aio.AioRpcError) as error:
            await grpc_client.send("version.VersionService/Nothing", b"")

    assert grpc.StatusCode.UNIMPLEMENTED == error.value.code()
    assert ("gRPC", "", Code.UNIMPLEMENTED) in api.observed
    assert [("", "Unimplemented")] == api.called


async def test_request_that_is_no_message_is_refused() -> None:
    async with serving(FakeBackend()) as api, client(api.port) as grpc_client:
        with pytest.raises(aio.AioRpcError) as error:
            await grpc_client.send(VERSION, b"\xff")

    assert grpc.StatusCode.INVALID_ARGUMENT == error.value.code()


async def test_grpc_web_answers_with_a_message_and_trailers() -> None:
    async with (
        serving(FakeBackend()) as api,
        api.session.post(f"{api.url}/{VERSION}", data=framed(b""), headers=WEB) as binary,
        api.session.post(f"{api.url}/{VERSION}", data=base64.b64encode(framed(b"")), headers=WEB_TEXT) as text,
    ):
        body = await binary.read()
        in_text = await text.read()

    trailers = framed(b"grpc-status: 0\r\n", 0x80)
    answer = schema.message_class("version.VersionMessage").FromString(body[5 : -len(trailers)])
    assert ("0.1.0", trailers) == (answer.Version, body[-len(trailers) :])  # type: ignore[attr-defined]
    assert body == b"".join(base64.b64decode(part + b"==") for part in in_text.replace(b"==", b"=").split(b"=") if part)


async def test_grpc_web_tells_errors_in_the_headers() -> None:
    async with (
        serving(FakeBackend()) as api,
        api.session.post(f"{api.url}/version.VersionService/Nothing", data=framed(b""), headers=WEB) as answer,
    ):
        assert (200, b"") == (answer.status, await answer.read())
        assert str(int(Code.UNIMPLEMENTED)) == answer.headers["grpc-status"]


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", WEB, Code.INVALID_ARGUMENT),
        (framed(b"x")[:-1], WEB, Code.INVALID_ARGUMENT),
        (framed(b"") + b"x", WEB, Code.INVALID_ARGUMENT),
        (framed(b"", 1), WEB, Code.UNIMPLEMENTED),
        (framed(bytes(1 << 17)), WEB, Code.RESOURCE_EXHAUSTED),
        (b"no base64!", WEB_TEXT, Code.INVALID_ARGUMENT),
    ],
)
async def test_grpc_web_refuses_what_is_not_one_whole_message(body: bytes, headers: dict[str, str], code: Code) -> None:
    async with (
        serving(FakeBackend()) as api,
        api.session.post(f"{api.url}/{VERSION}", data=body, headers=headers) as answer,
    ):
        assert str(int(code)) == answer.headers["grpc-status"]


async def test_a_form_of_another_site_is_no_grpc_web() -> None:
    async with serving(FakeBackend()) as api:
        assert 415 == (await api.status("POST", f"/{VERSION}", data={"a": "b"}))[0]


async def test_nothing_of_grpc_is_imported_before_its_first_client() -> None:
    code = "import sys, gitopsd.daemon.api_server; print([m for m in ('h2', 'google.protobuf') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: ASYNC221, S603

    assert "[]" == run.stdout.strip()


def test_descriptors_are_those_of_the_proto_files(tmp_path: Path) -> None:
    made = tmp_path / "made.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(PROTOS), "--include_imports"]
    files = sorted(str(path) for path in PROTOS.glob("*.proto"))
    subprocess.run([*command, f"--descriptor_set_out={made}", *files], check=True)  # noqa: S603

    assert made.read_bytes() == schema.DESCRIPTORS.read_bytes(), "run `make protos`"


@given(st.text())
def test_any_text_can_be_a_status_message(text: str) -> None:
    [_, *message] = Status(Code.UNKNOWN, text + "\udc80").headers()

    assert all(value.isascii() and value.isprintable() for _, value in message)


@given(st.text(max_size=12))
def test_timeouts_are_read_or_refused(text: str) -> None:
    try:
        assert (timeout_s(text) or 0) >= 0
    except GitopsError:
        assert not (text[:-1].isdecimal() and text[:-1].isascii() and 1 < len(text) < 10 and text[-1] in "HMSmun")
