"""Rows of refused signatures: wrapped, pointing elsewhere, or by algorithms that are not accepted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography import x509

from segl.asice.refusal import Refusal
from support.cost import Cost

from .builders import C14N, RSA_SHA256, SHA1, SHA256, Changes, build_bundle
from .enterprise import NOW, Holder, sender

DOCUMENTS = {"a.pdf": b"%PDF-1.7 a", "b.pdf": b"%PDF-1.7 b"}
CHEAP = Cost(milliseconds=50, mebibytes=20)
AS_CLIENTS = ". Sign the bundle as the official clients do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One refused bundle: what is bent, and what the sender is told."""

    what: str
    reason: Refusal
    message: str
    before: Callable[[str], str] = str
    after: Callable[[str], str] = str
    encoding: str = "utf-8"
    entries: Callable[[dict[str, bytes]], dict[str, bytes]] = dict
    documents: dict[str, bytes] = field(default_factory=lambda: DOCUMENTS)
    signer: Callable[[], Holder] = sender
    offset: timedelta = timedelta(0)
    chain: Callable[[], tuple[x509.Certificate, ...]] = tuple
    requirements: tuple[str, ...] = ("R43",)
    at_most: Cost = CHEAP

    def bundle(self, manifest: bytes = b"<manifest/>") -> bytes:
        """Return the bundle, signed about NOW."""
        signer = self.signer()
        return build_bundle(
            documents=self.documents,
            manifest=manifest,
            certificate=signer.certificate,
            key=signer.key,  # type: ignore[arg-type]  # RSA in every row
            chain=self.chain(),
            signing_time=NOW + self.offset,
            changes=Changes(before_signing=self.before, after_signing=self.after, encoding=self.encoding, entries=self.entries),
        )


def swap(old: str, new: str, count: int = 1) -> Callable[[str], str]:
    """Return a change of the first occurrence, which must be there."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, count)

    return change


def swap_pattern(pattern: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        changed, count = re.subn(pattern, new, text, count=1, flags=re.DOTALL)
        assert count == 1, pattern
        return changed

    return change


def both(*changes: Callable[[str], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change


def put(name_: str, content: bytes) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda entries: {**entries, name_: content}


def drop(name_: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda entries: {key: value for key, value in entries.items() if key != name_}


def copied(path: str, *, to: str) -> Callable[[str], str]:
    """Return a change that repeats the first element of this name before the text `to`."""

    def change(text: str) -> str:
        found = re.search(rf"<{path}\b.*?</{path}>", text, re.DOTALL)
        assert found is not None
        assert to in text
        return text.replace(to, found[0] + to, 1)

    return change


def pointed_at(uri: str) -> Callable[[str], str]:
    """Return a change that lets the first file reference name `uri`, with some digest since nobody can make the right one."""
    return both(
        swap('URI="a.pdf"', f'URI="{uri}"'),
        swap("<DigestValue></DigestValue>", "<DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</DigestValue>"),
    )


SIGNED_PROPERTIES_REFERENCE = r'<Reference Type="http://uri\.etsi\.org/01903#SignedProperties".*?</Reference>'

REFERENCES = [
    Row(
        what="no reference to the signed properties",
        before=swap_pattern(SIGNED_PROPERTIES_REFERENCE, ""),
        reason=Refusal.REFERENCE,
        message="Not exactly one reference has the type of the signed properties. Sign them once.",
    ),
    Row(
        what="a reference to the signed properties without type",
        before=swap('Type="http://uri.etsi.org/01903#SignedProperties" ', ""),
        reason=Refusal.REFERENCE,
        message="Not exactly one reference has the type of the signed properties. Sign them once.",
    ),
    Row(
        what="two references to the signed properties",
        before=lambda text: re.sub(f"({SIGNED_PROPERTIES_REFERENCE})", r"\1\1", text, flags=re.DOTALL),
        reason=Refusal.REFERENCE,
        message="Not exactly one reference has the type of the signed properties. Sign them once.",
    ),
    Row(
        what="a reference to another element",
        before=both(swap('URI="#SignedProperties"', 'URI="#KeyInfo"'), swap("<KeyInfo>", '<KeyInfo Id="KeyInfo">')),
        reason=Refusal.REFERENCE,
        message="The reference to the signed properties does not name their Id. Let its URI be # and the Id.",
    ),
    *(
        Row(
            what=f"signed properties named by {uri}",
            before=swap('URI="#SignedProperties"', f'URI="{uri}"'),
            reason=Refusal.REFERENCE,
            message="The reference to the signed properties does not name their Id. Let its URI be # and the Id.",
        )
        for uri in ("", "#", "SignedProperties", "#signedproperties", "#SignedProperties ", "#xpointer(id('SignedProperties'))", "a.pdf")
    ),
    *(
        Row(
            what=f"signed properties of type {kind}",
            before=swap('Type="http://uri.etsi.org/01903#SignedProperties"', f'Type="{kind}"'),
            reason=Refusal.REFERENCE,
            message="Not exactly one reference has the type of the signed properties. Sign them once.",
        )
        for kind in ("", "http://uri.etsi.org/01903/v1.3.2#SignedProperties", "http://uri.etsi.org/01903#SignedProperties ")
    ),
    Row(
        what="a file of the type of signed properties",
        before=swap('URI="a.pdf"', 'URI="a.pdf" Type="http://uri.etsi.org/01903#SignedProperties"'),
        reason=Refusal.REFERENCE,
        message="Not exactly one reference has the type of the signed properties. Sign them once.",
    ),
    Row(
        what="signed properties of another Id after signing",
        after=swap('<SignedProperties Id="SignedProperties">', '<SignedProperties Id="Other">'),
        reason=Refusal.REFERENCE,
        message="The reference to the signed properties does not name their Id. Let its URI be # and the Id.",
    ),
    Row(
        what="the whole document as a file",
        before=pointed_at(""),
        reason=Refusal.REFERENCE,
        message="File reference number 1 names no file. Name a file as it is named in the bundle.",
    ),
    Row(
        what="a part of the document as a file",
        before=both(swap('URI="a.pdf"', 'URI="#KeyInfo"'), swap("<KeyInfo>", '<KeyInfo Id="KeyInfo">')),
        reason=Refusal.REFERENCE,
        message="File reference number 1 names no file. Name a file as it is named in the bundle.",
    ),
    Row(
        what="no reference to the manifest",
        before=both(
            swap_pattern(r'<Reference Id="ID_2" URI="manifest\.xml">.*?</Reference>', ""),
            swap_pattern(r'<DataObjectFormat ObjectReference="#ID_2">.*?</DataObjectFormat>', ""),
        ),
        reason=Refusal.NOT_SIGNED,
        message="1 of the bundle's files are not signed. Let a reference name each file.",
    ),
    Row(
        what="one file referred to twice, another never",
        before=swap('URI="b.pdf"', 'URI="a.pdf"'),
        reason=Refusal.REFERENCE,
        message="File reference number 2 names a file that another one names. Sign each file once.",
    ),
    Row(
        what="an extra file nobody signed",
        entries=put("extra.pdf", b"extra"),
        reason=Refusal.NOT_SIGNED,
        message="1 of the bundle's files are not signed. Let a reference name each file.",
    ),
    Row(
        what="a missing file",
        entries=drop("b.pdf"),
        reason=Refusal.REFERENCE,
        message="File reference number 2 names no file of the bundle. Name a file as it is named in the bundle.",
    ),
    Row(
        what="a file of other case",
        before=pointed_at("A.pdf"),
        reason=Refusal.REFERENCE,
        message="File reference number 1 names no file of the bundle. Name a file as it is named in the bundle.",
    ),
    *(
        Row(
            what=f"a URI outside the bundle: {uri}",
            before=pointed_at(uri),
            reason=Refusal.REFERENCE,
            message=f"File reference number 1 {told}. Name a file as it is named in the bundle.",
        )
        for uri, told in [
            ("http://127.0.0.1:9/a.pdf", "names no file of the bundle"),
            ("file:///etc/passwd", "names no file of the bundle"),
            ("/a.pdf", "names no file of the bundle"),
            ("META-INF/signatures.xml", "names no file of the bundle"),
            ("../a.pdf", "leads out of the bundle"),
            ("./a.pdf", "leads out of the bundle"),
            ("x/../a.pdf", "leads out of the bundle"),
            ("%2e%2e/a.pdf", "leads out of the bundle"),
            ("x%2F..%2Fa.pdf", "leads out of the bundle"),
            ("..\\a.pdf", "leads out of the bundle"),
            ("%ff.pdf", "names no file of the bundle"),
            ("a.pdf#x", "names no file of the bundle"),
            ("a.pdf?x", "names no file of the bundle"),
            ("a.pdf%00", "names no file of the bundle"),
            ("a.pdf/", "names no file of the bundle"),
            (" a.pdf", "names no file of the bundle"),
            ("+a.pdf", "names no file of the bundle"),
            ("cid:a.pdf", "names no file of the bundle"),
            ("data:,a", "names no file of the bundle"),
            ("mimetype", "names no file of the bundle"),
            ("%252e%252e/a.pdf", "names no file of the bundle"),
            ("a%2epdf%2e", "names no file of the bundle"),
            ("META-INF/../a.pdf", "leads out of the bundle"),
            ("manifest.xml\\..\\a.pdf", "leads out of the bundle"),
            ("a.pdf/%2E", "leads out of the bundle"),
            (".", "leads out of the bundle"),
            ("#", "names no file"),
            ("#xpointer(/)", "names no file"),
            ("#xpointer(id('SignedProperties'))", "names no file"),
        ]
    ),
    Row(
        what="a URI that means two files",
        documents={"a b.pdf": b"1", "a%20b.pdf": b"2"},
        before=swap('URI="a+b.pdf"', 'URI="a%20b.pdf"'),
        reason=Refusal.REFERENCE,
        message="File reference number 1 names more than one file. Give the files plainer names.",
    ),
    Row(
        what="a file with a type",
        before=swap('URI="a.pdf"', 'URI="a.pdf" Type="http://www.w3.org/2000/09/xmldsig#Manifest"'),
        reason=Refusal.REFERENCE,
        message="File reference number 1 has an unknown type. Sign files without type.",
    ),
    *(
        Row(
            what=f"a format of {reference}",
            before=swap('ObjectReference="#ID_1"', f'ObjectReference="{reference}"'),
            reason=Refusal.REFERENCE,
            message="A DataObjectFormat names no reference of a file. Let it name the Id of one.",
        )
        for reference in ("", "ID_1", "#ID_9", "a.pdf", "#Signature")
    ),
    Row(
        what="a format of a reference that is not there",
        before=swap('ObjectReference="#ID_1"', 'ObjectReference="#SignedProperties"'),
        reason=Refusal.REFERENCE,
        message="A DataObjectFormat names no reference of a file. Let it name the Id of one.",
    ),
]


def transformed(uri: str, content: str = "") -> Callable[[str], str]:
    inner = f'<Transforms><Transform Algorithm="{uri}">{content}</Transform></Transforms>'
    return swap('URI="a.pdf">', f'URI="a.pdf">{inner}')


ALGORITHM_NAMES = "Use inclusive Canonical XML 1.0 or 1.1."
FILE_TRANSFORMS = [
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2002/06/xmldsig-filter2",
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    C14N,
    "http://www.w3.org/2002/07/decrypt#XML",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "",
]
CANONICALIZATIONS = [
    C14N + "#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2010/xml-c14n2",
    "",
    C14N + " ",
]
SIGNATURE_METHODS = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
    "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
    "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
    SHA256,
    RSA_SHA256.upper(),
    "",
]
USE_RSA = " or ".join(RSA_SHA256.replace("256", bits) for bits in ("256", "384", "512"))

ALGORITHMS = [
    *(
        Row(
            what=f"a file transformed by {uri}",
            before=transformed(uri),
            reason=Refusal.ALGORITHM,
            message="File reference number 1 has transforms. Sign the bytes of the file.",
        )
        for uri in FILE_TRANSFORMS
    ),
    Row(
        what="a transform with content",
        before=transformed("http://www.w3.org/TR/1999/REC-xpath-19991116", "<XPath>true()</XPath>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Transform holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    *(
        Row(
            what=f"{place} {uri}",
            before=swap(f'<{place} Algorithm="{C14N}"', f'<{place} Algorithm="{uri}"'),
            reason=Refusal.ALGORITHM,
            message=f"META-INF/signatures.xml names a canonicalisation or transform that is not accepted. {ALGORITHM_NAMES}",
        )
        for place in ("CanonicalizationMethod", "Transform")
        for uri in CANONICALIZATIONS
    ),
    Row(
        what="signed properties without canonicalisation",
        before=swap_pattern("<Transforms>.*?</Transforms>", ""),
        reason=Refusal.ALGORITHM,
        message=f"The reference to the signed properties has no canonicalisation. {ALGORITHM_NAMES}",
    ),
    Row(
        what="signed properties canonicalised twice",
        before=swap(f'<Transform Algorithm="{C14N}"/>', f'<Transform Algorithm="{C14N}"/>' * 2),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Transforms holds 2 of the element Transform in its place, not 1" + AS_CLIENTS,
    ),
    *(
        Row(
            what=f"signature method {uri}",
            before=swap(RSA_SHA256, uri),
            reason=Refusal.ALGORITHM,
            message=f'The algorithm "{uri}" is not accepted for the signature of a document bundle. Use {USE_RSA}.',
            requirements=("R41",),
        )
        for uri in SIGNATURE_METHODS
    ),
    Row(
        what="an HMAC cut short",
        before=swap(
            f'<SignatureMethod Algorithm="{RSA_SHA256}"/>',
            f'<SignatureMethod Algorithm="{SIGNATURE_METHODS[1]}"><HMACOutputLength>1</HMACOutputLength></SignatureMethod>',
        ),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element SignatureMethod holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    *(
        Row(
            what=f"{place} digested by {uri}",
            before=swap_pattern(f"({pattern}.*?){re.escape(SHA256)}", rf"\g<1>{uri}"),
            reason=Refusal.ALGORITHM,
            message=f'The algorithm "{uri}" is not accepted for the digest of a file in a document bundle. Use {SHA256}.',
            requirements=("R41",),
        )
        for uri in (SHA1, "http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmldsig-more#sha224", RSA_SHA256, "")
        for place, pattern in (("a file", "<Reference "), ("the signed properties", '<Reference Type="'))
    ),
    Row(
        what="a certificate named by MD5",
        before=swap(SHA1, "http://www.w3.org/2001/04/xmldsig-more#md5"),
        reason=Refusal.ALGORITHM,
        message=(
            'The algorithm "http://www.w3.org/2001/04/xmldsig-more#md5" is not accepted for the digest that names the certificate of a '
            f"document bundle. Use {SHA1} or {SHA256}."
        ),
    ),
]
