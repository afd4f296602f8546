"""Rows of wrapped signatures: elements moved, repeated, renamed or added, so that two readers could see two signatures."""

from __future__ import annotations

import re
from collections.abc import Callable

from segl.asice.refusal import Refusal

from .builders import ASIC, DS, XADES
from .signature_rows import AS_CLIENTS, Row, both, copied, swap, swap_pattern


def whole(element: str) -> Callable[[str], str]:
    """Return what gives the first element of this name as it stands in a text."""

    def found(text: str) -> str:
        match = re.search(rf"<{element}\b.*?</{element}>", text, re.DOTALL)
        assert match is not None, element
        return match[0]

    return found


def moved_properties(text: str) -> str:
    """Return the signed properties with the namespaces they have where they stand."""
    return whole("SignedProperties")(text).replace("<SignedProperties", f'<SignedProperties xmlns="{XADES}" xmlns:ns2="{DS}"')


WRAPPINGS = [
    Row(
        what="a second Signature",
        after=copied("Signature", to="</XAdESSignatures>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element XAdESSignatures holds 2 of the element Signature in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="no Signature",
        after=swap_pattern("<Signature .*</Signature>", ""),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element XAdESSignatures holds 0 of the element Signature in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="a root of another name",
        after=lambda text: text.replace("XAdESSignatures", "Signatures"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="META-INF/signatures.xml does not begin with the element XAdESSignatures of ETSI TS 102 918" + AS_CLIENTS,
    ),
    Row(
        what="a second Object with other signed properties",
        after=copied("Object", to="</Signature>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 2 of the element Object in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="the true signed properties moved beside a false copy",
        after=copied("SignedProperties", to="</QualifyingProperties>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element QualifyingProperties holds 2 of the element SignedProperties in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="a second SignedInfo",
        after=copied("SignedInfo", to="<SignatureValue>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 2 of the element SignedInfo in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="SignedInfo moved behind SignatureValue",
        after=lambda text: re.sub(r"(<SignedInfo>.*</SignedInfo>)(<SignatureValue>.*</SignatureValue>)", r"\2\1", text, flags=re.DOTALL),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 0 of the element SignedInfo in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="SignedInfo wrapped in an element of another namespace",
        after=both(swap("<SignedInfo>", '<w xmlns="urn:w"><SignedInfo>'), swap("</SignedInfo>", "</SignedInfo></w>")),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 0 of the element SignedInfo in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="an element where none may stand",
        before=swap("</X509Data>", "</X509Data><KeyName>x</KeyName>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element KeyInfo holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    Row(
        what="a KeyValue beside the certificate",
        before=swap(
            "<X509Data>",
            "<KeyValue><RSAKeyValue><Modulus>AQAB</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue><X509Data>",
        ),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element KeyInfo holds 0 of the element X509Data in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="unsigned properties",
        before=swap("</SignedProperties>", "</SignedProperties><UnsignedProperties/>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element QualifyingProperties holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    Row(
        what="an attribute the profile does not have",
        before=swap(
            '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"', '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" id="x"'
        ),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature has an attribute that the bundle profile does not have" + AS_CLIENTS,
    ),
    Row(
        what="an xml:id",
        before=swap("<KeyInfo>", '<KeyInfo xml:id="SignedProperties">'),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element KeyInfo has an attribute that the bundle profile does not have" + AS_CLIENTS,
    ),
    Row(
        what="text between elements",
        after=swap("<KeyInfo>", "text<KeyInfo>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds text, where the bundle profile has none" + AS_CLIENTS,
    ),
    Row(
        what="the Id of the signed properties twice",
        before=swap("<KeyInfo>", '<KeyInfo Id="SignedProperties">'),
        reason=Refusal.SIGNATURE_SHAPE,
        message="META-INF/signatures.xml holds the same Id twice" + AS_CLIENTS,
    ),
    Row(
        what="two references of one Id",
        before=swap('Id="ID_1"', 'Id="ID_0"'),
        reason=Refusal.SIGNATURE_SHAPE,
        message="META-INF/signatures.xml holds the same Id twice" + AS_CLIENTS,
    ),
    Row(
        what="a Target that points elsewhere",
        before=swap('Target="#Signature"', 'Target="#Other"'),
        reason=Refusal.SIGNATURE_SHAPE,
        message="QualifyingProperties does not point at the Signature around it. Let Target name its Id.",
    ),
    Row(
        what="signed properties without Id",
        after=swap('<SignedProperties Id="SignedProperties">', "<SignedProperties>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message='The element SignedProperties lacks the attribute "Id"' + AS_CLIENTS,
    ),
    Row(
        what="a comment in the signing time",
        before=swap("</SigningTime>", "<!-- -->0</SigningTime>"),
        reason=Refusal.SIGNATURE_XML,
        message="META-INF/signatures.xml is not UTF-8 without comments. Write it so.",
    ),
    Row(
        what="UTF-16, where a comment would not be seen",
        after=swap('encoding="UTF-8"', 'encoding="UTF-16"'),
        encoding="utf-16",
        reason=Refusal.SIGNATURE_XML,
        message="META-INF/signatures.xml is not UTF-8 without comments. Write it so.",
    ),
    Row(
        what="a DOCTYPE",
        after=swap("<XAdESSignatures", "<!DOCTYPE x [<!ATTLIST Object Id ID #IMPLIED>]><XAdESSignatures"),
        reason=Refusal.SIGNATURE_XML,
        message="The META-INF/signatures.xml holds a DOCTYPE. Send it without.",
    ),
    Row(
        what="signed properties that are not base64 where they must be",
        after=swap_pattern("<SignatureValue>.", "<SignatureValue>*"),
        reason=Refusal.SIGNATURE_XML,
        message="The element SignatureValue does not hold base64. Sign the bundle again.",
    ),
    Row(
        what="the true Signature inside a false one",
        after=lambda text: text.replace("</Object></Signature>", whole("Signature")(text) + "</Object></Signature>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Object holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    Row(
        what="a false Signature around the true one's parts",
        after=both(swap("<SignedInfo>", '<Signature Id="Other"><SignedInfo>'), swap("</KeyInfo>", "</KeyInfo></Signature>")),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 0 of the element SignedInfo in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="a Signature that stands alone",
        after=swap_pattern("<XAdESSignatures [^>]*>(.*)</XAdESSignatures>", r"\1"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="META-INF/signatures.xml does not begin with the element XAdESSignatures of ETSI TS 102 918" + AS_CLIENTS,
    ),
    Row(
        what="the true signed properties inside false ones",
        after=lambda text: text.replace(
            "</SignedProperties>", whole("SignedProperties")(text).replace(' Id="SignedProperties"', ' Id="x"') + "</SignedProperties>"
        ),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element SignedProperties holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    Row(
        what="the true signed properties in an Object of their own",
        after=lambda text: text.replace("</Signature>", f"<Object>{moved_properties(text)}</Object></Signature>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 2 of the element Object in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="the true signed properties behind KeyInfo",
        after=lambda text: text.replace("<Object>", moved_properties(text) + "<Object>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 0 of the element Object in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="two QualifyingProperties",
        after=copied("QualifyingProperties", to="</Object>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Object holds 2 of the element QualifyingProperties in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="a Manifest of references in the Object",
        before=swap("<Object>", '<Object><Manifest Id="m"><Reference URI="b.pdf"/></Manifest>'),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Object holds 0 of the element QualifyingProperties in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="SignedInfo inside SignedInfo",
        after=lambda text: text.replace("</SignedInfo>", whole("SignedInfo")(text) + "</SignedInfo>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element SignedInfo holds an element that the bundle profile does not have there" + AS_CLIENTS,
    ),
    Row(
        what="KeyInfo behind the Object",
        after=lambda text: text.replace(whole("KeyInfo")(text), "").replace("</Signature>", whole("KeyInfo")(text) + "</Signature>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 0 of the element KeyInfo in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="two KeyInfo",
        after=copied("KeyInfo", to="<Object>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element Signature holds 2 of the element KeyInfo in its place, not 1" + AS_CLIENTS,
    ),
    *(
        Row(
            what=f"{element} in the place of {place}",
            before=swap_pattern(f"<{place}>.*</{place}>", f"<{element}/>"),
            reason=Refusal.SIGNATURE_SHAPE,
            message=f"The element {above} holds 0 of the element {place} in its place, not {count}" + AS_CLIENTS,
        )
        for element, above, place, count in [
            ("KeyName", "KeyInfo", "X509Data", "1"),
            ("RetrievalMethod", "KeyInfo", "X509Data", "1"),
            ("PGPData", "KeyInfo", "X509Data", "1"),
            ("DEREncodedKeyValue", "KeyInfo", "X509Data", "1"),
            ("X509SubjectName", "X509Data", "X509Certificate", "1 to 10"),
            ("X509CRL", "X509Data", "X509Certificate", "1 to 10"),
            ("SigningCertificateV2", "SignedSignatureProperties", "SigningCertificate", "1"),
            ("CertDigest2", "Cert", "CertDigest", "1"),
        ]
    ),
    *(
        Row(
            what=f"{element} behind {place}",
            before=swap(f"</{place}>", f"</{place}><{element}/>"),
            reason=Refusal.SIGNATURE_SHAPE,
            message=f"The element {above} holds an element that the bundle profile does not have there" + AS_CLIENTS,
        )
        for element, above, place in [
            ("X509IssuerSerial", "X509Data", "X509Certificate"),
            ("SignaturePolicyIdentifier", "SignedSignatureProperties", "SigningCertificate"),
            ("SignerRole", "SignedSignatureProperties", "SigningCertificate"),
            ("CommitmentTypeIndication", "SignedDataObjectProperties", "DataObjectFormat"),
            ("AllDataObjectsTimeStamp", "SignedDataObjectProperties", "DataObjectFormat"),
            ("UnsignedSignatureProperties", "QualifyingProperties", "SignedProperties"),
        ]
    ),
    *(
        Row(
            what=f"an attribute {attribute.partition('=')[0]} of {element.split()[0]}",
            before=swap(f"<{element}", f"<{element} {attribute}"),
            reason=Refusal.SIGNATURE_SHAPE,
            message=f"The element {element.split()[0]} has an attribute that the bundle profile does not have" + AS_CLIENTS,
        )
        for element, attribute in [
            ("Object", 'MimeType="text/xml"'),
            ("Object", 'Encoding="http://www.w3.org/2000/09/xmldsig#base64"'),
            ("SignedInfo", 'ID="x"'),
            ("XAdESSignatures", 'Id="SignedProperties"'),
            ("XAdESSignatures", 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a http://127.0.0.1:9/"'),
            ("SigningTime", 'xml:space="preserve"'),
            ("KeyInfo", 'xmlns:x="urn:x" x:Id="SignedProperties"'),
        ]
    ),
    *(
        Row(
            what=f"the namespace {old} replaced by {new}",
            before=lambda text, old=old, new=new: text.replace(old, new),
            reason=Refusal.SIGNATURE_SHAPE,
            message=message + AS_CLIENTS,
        )
        for old, new, message in [
            (
                ASIC,
                "http://uri.etsi.org/2918/v1.1.1#",
                "META-INF/signatures.xml does not begin with the element XAdESSignatures of ETSI TS 102 918",
            ),
            (
                XADES,
                "http://uri.etsi.org/01903/v1.4.1#",
                "The element Object holds 0 of the element QualifyingProperties in its place, not 1",
            ),
            (
                XADES,
                "http://uri.etsi.org/01903/v1.1.1#",
                "The element Object holds 0 of the element QualifyingProperties in its place, not 1",
            ),
        ]
    ),
    Row(
        what="a Signature of no namespace",
        after=swap(f'<Signature xmlns="{DS}"', '<Signature xmlns=""'),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element XAdESSignatures holds 0 of the element Signature in its place, not 1" + AS_CLIENTS,
    ),
    Row(
        what="two certificates named by SigningCertificate",
        before=lambda text: text.replace("</SigningCertificate>", whole("Cert")(text) + "</SigningCertificate>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element SigningCertificate holds 2 of the element Cert in its place, not 1" + AS_CLIENTS,
    ),
    *(
        Row(what=what, before=change, reason=Refusal.SIGNATURE_SHAPE, message=message + AS_CLIENTS)
        for what, change, message in [
            ("a reference without URI", swap(' URI="a.pdf"', ""), 'The element Reference lacks the attribute "URI"'),
            (
                "a reference without digest",
                swap("<DigestValue></DigestValue>", ""),
                "The element Reference holds 0 of the element DigestValue in its place, not 1",
            ),
            (
                "a reference with two digests",
                swap("<DigestValue></DigestValue>", "<DigestValue></DigestValue><DigestValue></DigestValue>"),
                "The element Reference holds 2 of the element DigestValue in its place, not 1",
            ),
            (
                "a digest that an element splits",
                swap("<DigestValue></DigestValue>", "<DigestValue>AA<x/>==</DigestValue>"),
                "The element DigestValue holds an element that the bundle profile does not have there",
            ),
            (
                "twenty-five references",
                swap("<Reference ", '<Reference URI="a.pdf"/>' * 22 + "<Reference "),
                "The element SignedInfo holds 26 of the element Reference in its place, not 2 to 24",
            ),
            (
                "only the reference to the signed properties",
                swap_pattern('<Reference Id="ID_0".*?(?=<Reference Type)', ""),
                "The element SignedInfo holds 1 of the element Reference in its place, not 2 to 24",
            ),
        ]
    ),
    Row(
        what="an instruction behind the root",
        after=lambda text: text + "<?x?>",
        reason=Refusal.SIGNATURE_XML,
        message="The META-INF/signatures.xml holds a processing instruction. Send it without.",
    ),
    Row(
        what="a comment behind the root",
        after=lambda text: text + "<!-- -->",
        reason=Refusal.SIGNATURE_XML,
        message="META-INF/signatures.xml is not UTF-8 without comments. Write it so.",
    ),
    *(
        Row(
            what=f"a digest of {what}",
            before=swap("<DigestValue></DigestValue>", f"<DigestValue>{value}</DigestValue>"),
            reason=Refusal.SIGNATURE_XML,
            message="The element DigestValue does not hold base64. Sign the bundle again.",
        )
        for what, value in [
            ("base64 for addresses", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="),
            ("base64 without its end", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
            ("base64 that goes on after its end", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=AAAA"),
            ("other digits", "４7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ]
    ),
]
