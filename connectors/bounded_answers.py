"""Bounded answers over HTTP: read whole before anybody looks at them, so much and for so long.

`requests` reads whatever comes for as long as something comes: a site that is broken, or somebody
else's, could fill the memory or hold a thread for ever.
"""

from __future__ import annotations

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Unpacked. A page of a hundred issues with long histories is a few megabytes."""
READ_S = 60.0
"""From the head of an answer to its end; each part of it has the shorter timeout of its caller."""
_CHUNK_BYTES = 64 * 1024


class TooLargeError(requests.RequestException):
    """The answer is larger than what is read; the rest of it was left."""


class BoundedAdapter(HTTPAdapter):
    """Also for what is asked without `stream`; the content is there when `send` returns.

    Raises TooLargeError or requests.ReadTimeout, and lets go of the connection.
    """

    @override
    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        answer = super().send(request, *args, **more)
        try:
            answer._content = _read(answer)
        except requests.RequestException:
            answer.close()
            raise
        return answer


def _read(answer: requests.Response) -> bytes:
    chunks, size, until_s = [], 0, time.monotonic() + READ_S
    for chunk in answer.iter_content(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise TooLargeError(f"The answer is larger than {MAX_ANSWER_BYTES:,} bytes.")
        if time.monotonic() > until_s:
            raise requests.ReadTimeout(f"The answer took longer than {READ_S:g} s.")
        chunks.append(chunk)
    return b"".join(chunks)
