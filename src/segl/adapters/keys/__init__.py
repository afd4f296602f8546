"""
Segl's own keys: the person CA and the organization's seal, as PEM files behind the port `Keys`.

`files` reads them, `profiles` says what each certificate looks like, `creation` makes a first set and tells what stands there.
"""

from segl.adapters.keys.creation import KeysExistAlready, KeyStatus, create, status
from segl.adapters.keys.files import FileKeys, KeyFileUnusable

__all__ = ["FileKeys", "KeyFileUnusable", "KeyStatus", "KeysExistAlready", "create", "status"]
