"""Files inside a mutation: base64 text."""

from __future__ import annotations

import base64
import binascii

from kernel.errors import Invalid


def decoded(content: str, *, field: str = "content") -> bytes:
    """The file of a base64 argument; a request holds 12 MB in all. Raises Invalid."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Invalid("文件内容不是 base64 编码。", field=field) from wrong
