"""A blocking REST library, used from asyncio: threads, time limits, errors of ours.

What every such library gets wrong for us is put right here once: `requests` reads without end,
follows redirects with what we write, and keeps session cookies that outlive the credentials.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLCertVerificationError
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from countersign.approvals.errors import CountersignError, UnansweredError, UnavailableError
from countersign.approvals.outages import named
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.bounded_answers import BoundedAdapter, TooLargeError

THREADS = 8
CONNECT_TIMEOUT_S = 10.0
RETRY_AFTER_MAX_S = 900.0
"""A system that asks us to wait longer is asked again after so long."""

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What libraries raise over an answer of another shape than they expect."""


class Closable(Protocol):
    """A client of the library."""

    def close(self) -> object:
        """Let go of the connections."""


C = TypeVar("C", bound=Closable)
T = TypeVar("T")
Refused = Callable[[Exception, str, bool], CountersignError | None]
"""`(error, what it was for, whether it was a write)` to our error; None if it is not the system's
own and everybody's rules hold."""


class BlockingClient(Generic[C]):
    """Runs calls of the library in threads of its own. Nothing is tried twice.

    `connect` makes the client with the first call, `refused` knows what the system's answers mean,
    `timeout_s` bounds each read.
    """

    def __init__(
        self,
        name: str,
        words: str,
        connect: Callable[[], C],
        refused: Refused,
        *,
        timeout_s: float,
        unreadable: str = "gave an answer that cannot be read",
    ):
        """`name` is the section of the settings, `words` how people call the system."""
        self._name, self._words = name, words
        self._connect, self._refused = connect, refused
        self._unreadable = unreadable
        self._limit_s = 3 * (CONNECT_TIMEOUT_S + timeout_s)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._client: C | None = None

    async def run(self, what: str, work: Callable[[C], T], *, write: bool = False) -> T:
        """The answer to `work`; `what` it is for, in words.

        Raises what `refused` gives, or UnavailableError; with `write` UnansweredError, if it may
        have been done.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limit_s):
                return await loop.run_in_executor(self._pool, self._translated, what, work, write)
        except TimeoutError as exc:
            raise self._unclear("took too long", what, write) from exc

    async def close(self) -> None:
        """Wait for what is on its way, and let go of the connections."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _translated(self, what: str, work: Callable[[C], T], write: bool) -> T:
        """What `work` gives, or an error of ours. Runs in a thread."""
        try:
            return work(self._connected())
        except CountersignError:
            raise
        except Exception as exc:  # of the library, or of one that it uses: nobody lists them all
            found = self._refused(exc, what, write)
            if found is not None:
                # Not from `exc`: as text it may have headers and the body of the answer.
                raise found from None
            raise self._error(exc, what, write) from exc

    def _connected(self) -> C:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _error(self, exc: Exception, what: str, write: bool) -> CountersignError:
        match exc:
            case requests.TooManyRedirects():
                if exc.response is not None:
                    exc.response.close()
                return UnavailableError(
                    f"{self._words} sent us elsewhere for {what}; "
                    f"is connectors.{self._name}.url right?"
                )
            case TooLargeError():
                return self._unclear("gave an answer that is too large", what, write)
            case requests.JSONDecodeError():
                return self._unclear(self._unreadable, what, write)
            case requests.RequestException():
                sent = write and not never_sent(exc)
                return self._unclear(f"cannot be reached ({named(exc)})", what, sent)
            case _ if isinstance(exc, _UNREADABLE):
                return self._unclear(self._unreadable, what, write)
        return self._unclear(f"cannot be used ({named(exc)})", what, write)

    def _unclear(self, said: str, what: str, write: bool) -> CountersignError:
        return unclear(self._words, said, what, write=write)


def unclear(words: str, said: str, what: str, *, write: bool) -> CountersignError:
    """The error for no answer, or none that can be read: a write may have been done."""
    kind = UnansweredError if write else UnavailableError
    return kind(f"{words} {said}: {what}.")


def never_sent(error: requests.RequestException) -> bool:
    """Whether there was no connection to send anything through.

    Of the errors of TLS only a certificate that is not trusted: others may come with the answer.
    """
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, SSLError):
        return isinstance(reason.args[0], SSLCertVerificationError)
    return isinstance(reason, NewConnectionError)


def bounded(session: requests.Session, url: str) -> requests.Session:
    """`session` as we use one to reach `url`: answers bounded, nothing repeated, no redirects, no
    cookies, and the proxies of the environment except to this machine."""
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    session.max_redirects = 0
    # A session cookie would outlive the credentials, and calls of one session wait for each other.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(pool_maxsize=THREADS, max_retries=0))
    return session
