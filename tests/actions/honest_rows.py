"""Rows of requests that are odd but honest, as clients, libraries and tools write them: every one of them makes a job."""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509

from asice.builders import ASIC, C14N, C14N_1_1, DS, MANIFEST, NO_CHANGES, RSA_SHA256, SIGNATURES, XADES, Changes, Shape
from asice.zip_builder import DEFLATED, DOTNET_FLAGS, STORED, Entry
from asice.zip_rows import extra
from support.direct_jobs import NAMESPACE, multipart_of, pdf
from wire.wire_xml import dot_net_form, dot_net_multipart, java_form, java_multipart

Chain = Sequence[x509.Certificate]
MIMETYPE = b"application/vnd.etsi.asic-e+zip"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def as_it_is(content: bytes) -> bytes:
    """Change nothing."""
    return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Honest:
    """One honest request, and what is odd about it."""

    what: str
    documents: Mapping[str, bytes] = field(default_factory=lambda: {"avtale.pdf": pdf(), "vilkår.txt": "Vilkår æøå".encode()})
    request: Callable[[bytes], bytes] = as_it_is
    manifest: Callable[[bytes], bytes] = as_it_is
    shape: Shape = Shape.DOTNET_PORTAL
    changes: Changes = NO_CHANGES
    chain: Callable[[Chain], Chain] = tuple
    mimetype: bytes | None = None
    repack: Callable[[bytes], bytes] = as_it_is
    multipart: Callable[[bytes, bytes], tuple[str, bytes]] = multipart_of


def text_changed(change: Callable[[str], str], encoding: str = "utf-8") -> Callable[[bytes], bytes]:
    return lambda xml: change(xml.decode()).encode(encoding)


def prefixed(xml: bytes) -> bytes:
    return re.sub(rb"<(/?)(?=\w)", rb"<\1sig:", xml).replace(b"xmlns=", b"xmlns:sig=")


def indented(text: str) -> str:
    """Break the line before every tag that follows another; what signing fills in stays empty."""
    return re.sub(r">(?=<(?!/(?:\w+:)?(?:Digest|Signature)Value))", ">\n    ", text)


def schema_location(xml: bytes) -> bytes:
    told = f' xmlns:xsi="{XSI}" xsi:schemaLocation="{NAMESPACE} http://127.0.0.1:9/direct.xsd" xmlns='
    return xml.replace(b" xmlns=", told.encode(), 1)


def legacy(xml: bytes) -> bytes:
    """Return the manifest in its older form, of one document that has the title."""
    text = re.sub(r"<title>[^<]*</title><description>", "<description>", xml.decode(), count=1)
    text = re.sub(r"<description>[^<]*</description>", "", text, count=1)
    return re.sub(r"<documents>(.*?)<title>.*</documents>", r"\1<title>Læreavtale</title></document>", text, flags=re.DOTALL).encode()


def signed_with_prefixes(text: str) -> str:
    """Return Java's signature with a prefix for every namespace."""
    of_xades = "QualifyingProperties Signed\\w+Properties SignedProperties SigningTime SigningCertificate Cert CertDigest IssuerSerial"
    is_xades = re.compile("|".join([*of_xades.split(), "DataObjectFormat", "MimeType"]))

    def prefix(found: re.Match[str]) -> str:
        name = found[2]
        space = "asic" if name == "XAdESSignatures" else "xades" if is_xades.fullmatch(name) else "ds"
        return f"<{found[1]}{space}:{name}"

    text = re.sub(r"<(/?)(?:ns2:)?(\w+)", prefix, text).replace(f' xmlns:ns2="{DS}"', "")
    for space, uri in (("asic", ASIC), ("ds", DS), ("xades", XADES)):
        text = text.replace(f'xmlns="{uri}"', f'xmlns:{space}="{uri}"')
    return text


def reordered(*names: str) -> Changes:
    """Return the change that puts these entries first, in this order."""
    return Changes(entries=lambda entries: {name: entries[name] for name in (*names, *entries)})


def each_entry(**fields: object) -> Changes:
    return Changes(archive=lambda entries: [replace(entry, **fields) for entry in entries])  # type: ignore[arg-type]


def with_folder(folder: Entry, at: int = 0) -> Changes:
    return Changes(archive=lambda entries: [*entries[:at], folder, *entries[at:]])


def by_python(method: int) -> Callable[[bytes], bytes]:
    def repack(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        return out.getvalue()

    return repack


def by_info_zip(*options: str) -> Callable[[bytes], bytes]:
    """Return what packs the bundle again with the command `zip -r`."""

    def repack(data: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(io.BytesIO(data)) as old:
                old.extractall(folder)
            target = Path(folder, "bundle.zip")
            subprocess.run(["zip", "-q", "-r", *options, str(target), "."], cwd=folder, check=True, timeout=30)
            return target.read_bytes()

    return repack


def form_data(xml: bytes, bundle: bytes) -> tuple[str, bytes]:
    content_type, body = dot_net_multipart(xml, bundle)
    body = body.replace(b"attachment", b'form-data; name="part"; filename="part.xml"')
    return content_type.replace("mixed", "form-data"), body


def bundle_first(xml: bytes, bundle: bytes) -> tuple[str, bytes]:
    parts = (
        b"Content-Disposition: attachment\r\nContent-Type: application/octet-stream\r\n\r\n" + bundle,
        b"content-type: application/xml; charset=UTF-8\r\n\r\n" + xml,
    )
    body = b"preamble\r\n" + b"".join(b"--a b\r\n" + part + b"\r\n" for part in parts) + b"--a b--"
    return 'multipart/related; type="application/xml"; boundary="a b"', body


FOLDER_OF_ZIP = Entry(
    name="META-INF/",
    method=STORED,
    flags=0,
    local={"version": 10},
    central={"version": 10, "made_by": 0x031E, "attributes": 0o40755 << 16 | 0x10},
)
FOLDER_OF_JAVA = Entry(name="META-INF/")
ONE = {"avtale.pdf": pdf()}
NAMES = (
    "a b.pdf",
    "søknad æøå.pdf",
    "a+b.pdf",
    "100%.pdf",
    "50%25.pdf",
    "a&b.pdf",
    "(1) [kopi] – ‘sitat’.pdf",
    "договор.pdf",
    "契約.pdf",
    "x" * 96 + ".pdf",
    ".pdf",
    "uten ending",
    "two..dots.pdf",
    "sak 7: avtale.pdf",
)

ROWS = [
    Honest(what="Java", shape=Shape.JAVA, request=java_form, manifest=java_form, multipart=java_multipart),
    Honest(what=".NET", shape=Shape.DOTNET_DIRECT, request=dot_net_form, manifest=dot_net_form, multipart=dot_net_multipart),
    Honest(what=".NET with entries in the portal's order", request=dot_net_form, manifest=dot_net_form, multipart=dot_net_multipart),
    *(
        Honest(what=f"a document {name} of {shape.value}", shape=shape, documents={name: pdf()})
        for name in NAMES
        for shape in (Shape.JAVA, Shape.DOTNET_DIRECT)
    ),
    # -- multipart -----------------------------------------------------------------------------------------------------
    Honest(what="a form", multipart=form_data),
    Honest(what="the bundle first, a preamble, a quoted boundary, no last line end", multipart=bundle_first),
    # -- XML -----------------------------------------------------------------------------------------------------------
    *(
        Honest(what=f"XML {what}", request=change, manifest=change)
        for what, change in [
            ("with a prefix", prefixed),
            ("indented", text_changed(lambda text: text.replace("><", ">\n  <"))),
            ("with CR LF", text_changed(lambda text: text.replace("><", ">\r\n\t<"))),
            ("with a byte order mark", text_changed(lambda text: text, "utf-8-sig")),
            ("in UTF-16", text_changed(lambda text: text.replace("UTF-8", "UTF-16"), "utf-16")),
            ("without declaration", text_changed(lambda text: text.partition("?>")[2])),
            (
                "with its declaration in apostrophes",
                text_changed(lambda text: text.replace('"1.0"', "'1.0'").replace('"UTF-8"', "'utf-8'")),
            ),
            ("with comments", text_changed(lambda text: text.replace("?>", "?><!-- a -->").replace("</", "<!-- b --></") + "<!-- c -->")),
            ("that names its schema", schema_location),
            ("with character references", text_changed(lambda text: text.replace("æ", "&#230;").replace("ø", "&#xF8;"))),
            ("with a line end behind it", text_changed(lambda text: text + "\r\n\r\n")),
        ]
    ),
    Honest(what="a title in CDATA", manifest=text_changed(lambda text: text.replace("Læreavtale", "<![CDATA[Læreavtale]]>"))),
    Honest(what="the older manifest", documents=ONE, manifest=legacy),
    # -- archive -------------------------------------------------------------------------------------------------------
    Honest(what="the mimetype first", mimetype=MIMETYPE),
    Honest(what="the mimetype last", mimetype=MIMETYPE, changes=reordered(SIGNATURES, MANIFEST, "avtale.pdf", "vilkår.txt")),
    *(
        Honest(what=f"entries that begin with {' and '.join(names)}", changes=reordered(*names))
        for names in [(MANIFEST,), (SIGNATURES,), (MANIFEST, SIGNATURES), (SIGNATURES, MANIFEST), ("vilkår.txt", SIGNATURES)]
    ),
    Honest(what="entries that are stored", changes=each_entry(method=STORED, flags=0x0800)),
    Honest(what="entries with descriptors", changes=each_entry(method=DEFLATED, flags=0x0808)),
    Honest(what="entries of version 1.0", changes=each_entry(method=STORED, flags=0x0800, local={"version": 10}, central={"version": 10})),
    Honest(what="entries with Unix permissions", changes=each_entry(central={"made_by": 0x031E, "attributes": 0o100600 << 16})),
    Honest(what="entries marked read-only and hidden by DOS", changes=each_entry(central={"attributes": 0x27})),
    Honest(
        what="entries with extra fields", changes=each_entry(local={"extra": extra(0x5455, b"\1" + bytes(4)) + extra(0x7875, bytes(3))})
    ),
    Honest(what="entries with the times of NTFS", changes=each_entry(central={"extra": extra(0x000A, bytes(32))})),
    Honest(what="a folder META-INF as zip -r writes it", changes=with_folder(FOLDER_OF_ZIP)),
    Honest(what="a folder META-INF as Java writes it", changes=with_folder(FOLDER_OF_JAVA, at=1)),
    Honest(
        what="a folder META-INF without attributes", changes=with_folder(Entry(name="META-INF/", method=STORED, flags=DOTNET_FLAGS), at=2)
    ),
    Honest(what="packed by Python", repack=by_python(zipfile.ZIP_DEFLATED)),
    Honest(what="packed by Python without compression", repack=by_python(zipfile.ZIP_STORED)),
    Honest(what="packed by zip -r", documents=ONE, repack=by_info_zip()),
    Honest(what="packed by zip -r -X -D -9", documents=ONE, repack=by_info_zip("-X", "-D", "-9")),
    # -- signature -----------------------------------------------------------------------------------------------------
    Honest(what="the whole chain in KeyInfo", shape=Shape.JAVA, chain=lambda above: above),
    Honest(what="the chain backwards in KeyInfo", shape=Shape.JAVA, chain=lambda above: above[::-1]),
    Honest(what="an issuer twice in KeyInfo", shape=Shape.JAVA, chain=lambda above: (*above, *above)),
    Honest(what="no chain in KeyInfo", shape=Shape.JAVA, chain=lambda above: ()),
    Honest(
        what="the certificate last in KeyInfo",
        shape=Shape.JAVA,
        changes=Changes(
            before_signing=lambda text: re.sub(
                r"(<X509Data>)(<X509Certificate>.*?</X509Certificate>)(.*?)(</X509Data>)", r"\1\3\2\4", text, flags=re.DOTALL
            )
        ),
    ),
    *(
        Honest(what=f"a signature {what}", shape=shape, changes=Changes(before_signing=change))
        for what, shape, change in [
            ("with prefixes", Shape.JAVA, signed_with_prefixes),
            ("indented, of Java", Shape.JAVA, indented),
            ("indented, of .NET", Shape.DOTNET_DIRECT, indented),
            ("indented and with prefixes", Shape.JAVA, lambda text: indented(signed_with_prefixes(text))),
            ("with CR LF", Shape.DOTNET_DIRECT, lambda text: indented(text).replace("\n", "\r\n")),
            ("without declaration", Shape.JAVA, lambda text: text.partition("?>")[2]),
            ("by SHA-512", Shape.JAVA, lambda text: text.replace(RSA_SHA256, RSA_SHA256.replace("256", "512"))),
            ("in Canonical XML 1.1", Shape.JAVA, lambda text: text.replace(C14N, C14N_1_1)),
            (
                "with Ids everywhere",
                Shape.JAVA,
                lambda text: text.replace("<KeyInfo>", '<KeyInfo Id="k">').replace("<Object>", '<Object Id="o">'),
            ),
            ("without formats", Shape.JAVA, lambda text: re.sub("<SignedDataObjectProperties>.*</SignedDataObjectProperties>", "", text)),
        ]
    ),
    Honest(what="a signature with a byte order mark", changes=Changes(encoding="utf-8-sig")),
]
