"""
The one shape signatures.xml may have: every element, its order, its attributes, and whether it holds text. What is not named here is refused.

Both official clients write exactly this (wire-spec.md 8.2). A wrapped signature needs an element or attribute where none is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from segl.asice.refusal import BundleRefused, Refusal

ASIC: Final = "{http://uri.etsi.org/2918/v1.2.1#}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
ROOT: Final = f"{ASIC}XAdESSignatures"
MAX_CERTIFICATES: Final = 10
MAX_REFERENCES: Final = 24
"""Files a bundle can hold beside its signature, and the signed properties."""


@dataclass(frozen=True, slots=True)
class _Child:
    tag: str
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class _Element:
    children: tuple[_Child, ...] = ()
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    @property
    def has_text(self) -> bool:
        return not self.children and not self.required


def _element(*children: str | _Child, required: str = "", optional: str = "") -> _Element:
    made = tuple(child if isinstance(child, _Child) else _Child(child) for child in children)
    return _Element(made, frozenset(required.split()), frozenset(optional.split()))


_TEXT: Final = _element()

GRAMMAR: Final[Mapping[str, _Element]] = {
    ROOT: _element(f"{DS}Signature"),
    f"{DS}Signature": _element(f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo", f"{DS}Object", required="Id"),
    f"{DS}SignedInfo": _element(
        f"{DS}CanonicalizationMethod", f"{DS}SignatureMethod", _Child(f"{DS}Reference", 2, MAX_REFERENCES), optional="Id"
    ),
    f"{DS}CanonicalizationMethod": _element(required="Algorithm"),
    f"{DS}SignatureMethod": _element(required="Algorithm"),
    f"{DS}Reference": _element(_Child(f"{DS}Transforms", 0), f"{DS}DigestMethod", f"{DS}DigestValue", required="URI", optional="Id Type"),
    f"{DS}Transforms": _element(f"{DS}Transform"),
    f"{DS}Transform": _element(required="Algorithm"),
    f"{DS}DigestMethod": _element(required="Algorithm"),
    f"{DS}DigestValue": _TEXT,
    f"{DS}SignatureValue": _element(optional="Id"),
    f"{DS}KeyInfo": _element(f"{DS}X509Data", optional="Id"),
    f"{DS}X509Data": _element(_Child(f"{DS}X509Certificate", 1, MAX_CERTIFICATES)),
    f"{DS}X509Certificate": _TEXT,
    f"{DS}Object": _element(f"{XADES}QualifyingProperties", optional="Id"),
    f"{XADES}QualifyingProperties": _element(f"{XADES}SignedProperties", required="Target", optional="Id"),
    f"{XADES}SignedProperties": _element(
        f"{XADES}SignedSignatureProperties", _Child(f"{XADES}SignedDataObjectProperties", 0), required="Id"
    ),
    f"{XADES}SignedSignatureProperties": _element(f"{XADES}SigningTime", f"{XADES}SigningCertificate", optional="Id"),
    f"{XADES}SigningTime": _TEXT,
    f"{XADES}SigningCertificate": _element(f"{XADES}Cert"),
    f"{XADES}Cert": _element(f"{XADES}CertDigest", f"{XADES}IssuerSerial"),
    f"{XADES}CertDigest": _element(f"{DS}DigestMethod", f"{DS}DigestValue"),
    f"{XADES}IssuerSerial": _element(f"{DS}X509IssuerName", f"{DS}X509SerialNumber"),
    f"{DS}X509IssuerName": _TEXT,
    f"{DS}X509SerialNumber": _TEXT,
    f"{XADES}SignedDataObjectProperties": _element(_Child(f"{XADES}DataObjectFormat", 1, MAX_REFERENCES), optional="Id"),
    f"{XADES}DataObjectFormat": _element(f"{XADES}MimeType", required="ObjectReference"),
    f"{XADES}MimeType": _TEXT,
}


def check_shape(root: etree._Element) -> None:
    """
    Check the whole tree against the grammar, and that no two Id attributes in it are equal.

    :raises BundleRefused: SIGNATURE_SHAPE, naming the element.
    """
    if root.tag != ROOT:
        raise _misshaped("META-INF/signatures.xml does not begin with the element XAdESSignatures of ETSI TS 102 918")
    ids: set[str] = set()
    for element in root.iter():
        _check_element(element)
        identifier = element.get("Id")
        if identifier is not None and identifier in ids:
            raise _misshaped("META-INF/signatures.xml holds the same Id twice")
        if identifier is not None:
            ids.add(identifier)


def _check_element(element: etree._Element) -> None:
    rule = GRAMMAR[str(element.tag)]  # a child is checked before it is visited, so the tag is known
    attributes = {str(attribute) for attribute in element.keys()}  # noqa: SIM118  # an element's own iteration gives its children
    if missing := rule.required - attributes:
        raise _misshaped(f'The element {_local(element.tag)} lacks the attribute "{min(missing)}"')
    if attributes - rule.required - rule.optional:
        raise _misshaped(f"The element {_local(element.tag)} has an attribute that the bundle profile does not have")
    children = list(element)
    if not rule.has_text and any(text and not text.isspace() for text in (element.text, *(child.tail for child in children))):
        raise _misshaped(f"The element {_local(element.tag)} holds text, where the bundle profile has none")
    tags = [str(child.tag) for child in children]
    position = 0
    for child in rule.children:
        count = 0
        while position < len(tags) and tags[position] == child.tag:
            position, count = position + 1, count + 1
        if not child.least <= count <= child.most:
            wanted = str(child.least) if child.least == child.most else f"{child.least} to {child.most}"
            raise _misshaped(
                f"The element {_local(element.tag)} holds {count} of the element {_local(child.tag)} in its place, not {wanted}"
            )
    if position < len(tags):
        raise _misshaped(f"The element {_local(element.tag)} holds an element that the bundle profile does not have there")


def _local(tag: str | bytes) -> str:
    return str(tag).rpartition("}")[2]


def _misshaped(what: str) -> BundleRefused:
    return BundleRefused(Refusal.SIGNATURE_SHAPE, f"{what}. Sign the bundle as the official clients do.")
