"""
Sandbox material: the made-up certificates, organizations and persons that one needs to try Segl without asking anybody.

`making.ensure` makes them at the first start and leaves them alone afterwards; `folder` says where everything is; `revocation` signs the lists.
"""

from segl.sandbox.material.folder import KEY_STORE_PASSWORD, MaterialDamaged, SandboxMaterial
from segl.sandbox.material.making import ensure
from segl.sandbox.material.organizations import Organization, Role, authorized_brokers, read_organizations
from segl.sandbox.material.persons import EID_LEVELS, Person, read_persons
from segl.sandbox.material.revocation import REVOCATION_LISTS, UnknownRevocationList, revocation_list

__all__ = [
    "EID_LEVELS",
    "KEY_STORE_PASSWORD",
    "REVOCATION_LISTS",
    "MaterialDamaged",
    "Organization",
    "Person",
    "Role",
    "SandboxMaterial",
    "UnknownRevocationList",
    "authorized_brokers",
    "ensure",
    "read_organizations",
    "read_persons",
    "revocation_list",
]
