"""What an integrator pastes: curl, Java, .NET and Python, with this sandbox's own addresses and numbers in them."""

from __future__ import annotations

from dataclasses import dataclass

from segl.sandbox.material import Organization
from segl.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One piece of code to paste."""

    id: str
    title: str
    code: str
    answer: str | None
    """What it prints, when that is one line."""


def snippets(settings: Settings, *, sender: Organization) -> tuple[Snippet, ...]:
    """Return the snippets for `sender` in this sandbox."""
    folder, number, api = settings.sandbox_folder, sender.organization_number, settings.api_url
    role = sender.role.value
    return (
        Snippet(
            id="curl",
            title="curl",
            code=f'cd "{folder}"\ncurl --cacert ca/root.pem --cert {role}.pem --key {role}.key \\\n     {api}/api/{number}',
            answer=f"You are {number}",
        ),
        Snippet(id="java", title="Java", code=_JAVA.format(folder=folder, role=role, api=api, number=number), answer=None),
        Snippet(id="dotnet", title=".NET", code=_DOTNET.format(folder=folder, role=role, api=api, number=number), answer=None),
        Snippet(id="python", title="Python", code=_PYTHON.format(folder=folder, role=role, api=api, number=number), answer=None),
    )


_JAVA = """\
// no.digipost.signature:signature-api-client-java:7.0.4
var environment = ServiceEnvironment.STAGING
    .withServiceUrl(URI.create("{api}/api"))
    .withCertificates("{folder}/ca");
KeyStoreConfig keyStore;
try (var p12 = Files.newInputStream(Path.of("{folder}/{role}.p12"))) {{
    keyStore = KeyStoreConfig.fromOrganizationCertificate(p12, "segl-sandbox");
}}
var configuration = ClientConfiguration.builder(keyStore)
    .serviceEnvironment(environment)
    .defaultSender(new Sender("{number}"))
    .build();
var client = new DirectClient(configuration);"""

_DOTNET = """\
// Digipost.Signature.Api.Client.Direct
var environment = Environment.DifiTest;
environment.Url = new Uri("{api}");
environment.AllowedChainCertificates = new X509Certificate2Collection {{
    new X509Certificate2("{folder}/ca/root.pem"),
    new X509Certificate2("{folder}/ca/issuing.pem"),
}};
var certificate = new X509Certificate2("{folder}/{role}.p12", "segl-sandbox");
var configuration = new ClientConfiguration(environment, certificate, new Sender("{number}"));
configuration.CertificateValidationPreferences.ValidateSenderCertificate = false;
var client = new DirectClient(configuration);"""

_PYTHON = """\
# pip install ./clients/python
from segl_client import SeglClient

with SeglClient("{api}", "{number}", certificate=SenderCertificate.from_pkcs12("{folder}/{role}.p12", "segl-sandbox"), ca="{folder}/ca") as client:
    print(client.greeting())"""
