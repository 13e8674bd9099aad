"""Where one frame of the store's protocol (RESP2 and RESP3) ends and the next begins.

Nothing is decoded beyond the words of a request: a proxy hands on the bytes as they came.
"""

from dataclasses import dataclass

CRLF = b"\r\n"
ARRAY, PUSH, ATTRIBUTE = b"*>|"
# What kind of group has how many values an element.
GROUPS = {ARRAY: 1, ord("~"): 1, PUSH: 1, ord("%"): 2, ATTRIBUTE: 2}
LINES = b"+-:_#,("  # values that end with their line
BLOBS = b"$!="  # a length, and as many bytes behind it
LONGEST_LINE_BYTES = 64 * 1024


class ProtocolError(ValueError):
    """The bytes are no frames of the store's protocol."""


@dataclass(frozen=True)
class Request:
    """One command as a client sent it.

    Parameters
    ----------
    raw : bytes
        As it came.
    words : tuple[bytes, ...]
        The command and its arguments; none for an empty line, which nobody answers.

    """

    raw: bytes
    words: tuple[bytes, ...]


class ReplyReader:
    """Cuts what a server says into whole replies, wherever the stream was split on its way."""

    inline = False  # whether a frame may be a plain line of words

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._read = 0  # how far the frame under way has been read
        self._missing = 1  # how many values it lacks: each group adds its own

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes, and return the frames that they complete.

        Raises
        ------
        ProtocolError
            If they are no frames.

        """
        self._bytes += data
        frames: list[bytes] = []
        while self._read_value():
            if self._missing == 0:
                frames.append(bytes(self._bytes[: self._read]))
                del self._bytes[: self._read]
                self._read, self._missing = 0, 1
        return frames

    def _read_value(self) -> bool:
        """Read past one value, or past the head of a group; say whether it was all there."""
        plain = self.inline and self._read == 0 and self._bytes[:1] != b"*"
        ending = b"\n" if plain else CRLF
        end = self._bytes.find(ending, self._read)
        if end < 0:
            if len(self._bytes) - self._read > LONGEST_LINE_BYTES:
                raise ProtocolError("A line of the store's protocol does not end.")
            return False
        after = end + len(ending)
        kind, head = self._bytes[self._read], self._bytes[self._read + 1 : end]
        if plain or kind in LINES:
            self._missing -= 1
        elif kind in GROUPS:
            # An attribute stands before the value that it belongs to, not in its place.
            self._missing += GROUPS[kind] * max(_number(head), 0) - (kind != ATTRIBUTE)
        elif kind in BLOBS:
            length = _number(head)
            after += length + len(CRLF) if length >= 0 else 0
            if after > len(self._bytes):
                return False
            self._missing -= 1
        else:
            raise ProtocolError(f"No value of the store's protocol begins with {chr(kind)!r}.")
        self._read = after
        return True


class RequestReader(ReplyReader):
    """Cuts what a client says into whole frames, among them commands typed as plain lines."""

    inline = True

    def requests(self, data: bytes) -> list[Request]:
        """Take more bytes, and return the requests that they complete.

        Raises
        ------
        ProtocolError
            If they are no requests.

        """
        return [Request(raw, _words(raw)) for raw in self.feed(data)]


def pushed(reply: bytes) -> bool:
    """Say whether the server sent this unasked, so that it answers no request."""
    return reply[0] == PUSH


def _words(raw: bytes) -> tuple[bytes, ...]:
    if raw[0] != ARRAY:
        return tuple(raw.split())
    words: list[bytes] = []
    at = raw.index(CRLF) + len(CRLF)
    while at < len(raw):
        start = raw.index(CRLF, at) + len(CRLF)
        length = _number(raw[at + 1 : start - len(CRLF)])
        if raw[at : at + 1] != b"$" or length < 0:
            raise ProtocolError("A request has something else than words in it.")
        words.append(raw[start : start + length])
        at = start + length + len(CRLF)
    return tuple(words)


def _number(digits: bytes | bytearray) -> int:
    try:
        return int(digits)
    except ValueError as error:
        raise ProtocolError(f"A length of the store's protocol is {bytes(digits)!r}.") from error
