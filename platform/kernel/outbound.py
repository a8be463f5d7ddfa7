"""The one way out over HTTP: a POST to an address that somebody of a school has typed in.

Such an address is not trusted: https only, no redirects, and no way into the network the platform stands in. The name
is resolved once, every address it has must be public, and the connection is made to the address that was looked at
(a name that changes its mind afterwards gains nothing). Hosts of the campus network are allowed one by one in
`settings.OUTBOUND_PRIVATE_HOSTS`, by whoever runs the platform; to those plain http is allowed too.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

TIMEOUT = 5.0  # seconds for each step: connecting, sending, waiting for the answer
MAX_REPLY = 4096  # bytes looked at


class AddressRefused(ValueError):
    """The address is none the platform may send to; `args[0]` says why, in Chinese."""


class Unreachable(OSError):
    """Nobody answered: no such name, no connection, no TLS, or too late."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes  # the beginning


def checked(url: str) -> SplitResult:
    """The parts of an address that may be sent to, as far as its text can tell. Raises AddressRefused."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as wrong:
        raise AddressRefused("地址写法有误，请填写完整的 https 地址。") from wrong
    host = (parts.hostname or "").lower()
    if not host or parts.username is not None or port == 0 or any(ord(c) <= 32 or ord(c) > 126 for c in url.strip()):
        raise AddressRefused("地址写法有误，请填写完整的 https 地址。")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _private_hosts()):
        raise AddressRefused("地址应以 https:// 开头。")
    return parts


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send and wait for the answer; never follows a redirect. Raises AddressRefused, Unreachable."""
    parts = checked(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address_of(host, port)
    connection = _Tls(host, address, port) if parts.scheme == "https" else _Plain(host, address, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return Reply(answer.status, answer.read1(MAX_REPLY))
    except (OSError, http.client.HTTPException) as failed:
        raise Unreachable(str(failed)) from failed
    finally:
        connection.close()


def _private_hosts() -> frozenset[str]:
    return frozenset(str(host).lower() for host in settings.OUTBOUND_PRIVATE_HOSTS)


def _address_of(host: str, port: int) -> str:
    try:
        found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as unknown:
        raise Unreachable(str(unknown)) from unknown
    if host not in _private_hosts() and not all(ipaddress.ip_address(one.split("%")[0]).is_global for one in found):
        raise AddressRefused("地址在内部网络中，平台不能向它发送。如需使用校内服务，请联系平台运维登记。")
    return found[0]


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self._looked_at = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._looked_at, self.port), TIMEOUT)


class _Tls(_Plain):
    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
