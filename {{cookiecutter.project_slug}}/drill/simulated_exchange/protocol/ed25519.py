"""Whether an Ed25519 signature holds. Pure; slow, some milliseconds, which a drill does not notice.

Only for an exchange that everybody knows the keys of: it takes no care that its time tells nothing.
Source: RFC 8032, sections 5.1.3 and 5.1.7.
"""

import hashlib
from typing import NamedTuple

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
KEY_BYTES, SIGNATURE_BYTES = 32, 64


class Point(NamedTuple):
    """A point of the curve in extended coordinates: x = X / Z, y = Y / Z, T = X * Y / Z."""

    x: int
    y: int
    z: int
    t: int

    def plus(self, other: "Point") -> "Point":
        """Add two points, which may be the same."""
        a = (self.y - self.x) * (other.y - other.x) % PRIME
        b = (self.y + self.x) * (other.y + other.x) % PRIME
        c = 2 * self.t * other.t * CURVE % PRIME
        d = 2 * self.z * other.z % PRIME
        e, f, g, h = b - a, d - c, d + c, b + a
        return Point(e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)

    def times(self, factor: int) -> "Point":
        """Add a point to itself so many times."""
        total, power = NEUTRAL, self
        while factor:
            if factor & 1:
                total = total.plus(power)
            power = power.plus(power)
            factor >>= 1
        return total

    def equals(self, other: "Point") -> bool:
        """Tell whether two points are the same."""
        across = (self.x * other.z - other.x * self.z) % PRIME
        up = (self.y * other.z - other.y * self.z) % PRIME
        return not across and not up


NEUTRAL = Point(0, 1, 1, 0)


def holds(key: bytes, text: bytes, signature: bytes) -> bool:
    """Tell whether a signature of a text was made with the private key of a public one."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    owner, nonce = _point(key), _point(signature[:32])
    if owner is None or nonce is None or scalar >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + key + text).digest()
    factor = int.from_bytes(challenge, "little") % ORDER
    return BASE.times(scalar).equals(nonce.plus(owner.times(factor)))


def _point(written: bytes) -> Point | None:
    """Read a point: its y, and whether its x is odd."""
    if len(written) != KEY_BYTES:
        return None
    number = int.from_bytes(written, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - square) % PRIME or (not x and odd):
        return None
    if x & 1 != odd:
        x = PRIME - x
    return Point(x, y, 1, x * y % PRIME)


def _base() -> Point:
    y = 4 * pow(5, -1, PRIME) % PRIME
    point = _point(y.to_bytes(KEY_BYTES, "little"))
    assert point is not None
    return point


BASE = _base()
