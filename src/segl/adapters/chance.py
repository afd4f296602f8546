"""Randomness from the operating system."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.asymmetric import ec


class SystemChance:
    """Everything random comes from `secrets`."""

    def token(self) -> str:
        """Return 43 url-safe characters carrying 256 bits of chance."""
        return secrets.token_urlsafe(32)

    def bits(self, count: int) -> int:
        """Return a number of `count` random bits."""
        return secrets.randbits(count)

    def signing_key(self) -> ec.EllipticCurvePrivateKey:
        """Return a fresh P-256 key."""
        return ec.generate_private_key(ec.SECP256R1())
