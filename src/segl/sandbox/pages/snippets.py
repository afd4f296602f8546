"""
What an integrator pastes: curl, Java, .NET and Python, with this sandbox's own addresses, files and numbers in them.

How the official clients are pointed at another server: wire-spec.md 4.4. The code is for developers and English in every language.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from string import Template

from segl.sandbox.material import KEY_STORE_PASSWORD, Organization, Person
from segl.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One piece of code to paste."""

    id: str
    title: str
    code: str
    answer: str | None
    """What it prints, when that is one line."""


def snippets(settings: Settings, *, sender: Organization, signer: Person) -> tuple[Snippet, ...]:
    """Return the snippets for `sender` in this sandbox, curl first; those that make a job have `signer` sign it."""
    number, role, folder = sender.organization_number.value, sender.role.value, settings.sandbox_folder
    values = {
        # Quoted as all three languages write strings: a folder may have a space, a quotation mark or a backslash in its name.
        "p12": json.dumps(str(folder / sender.keystore), ensure_ascii=False),
        "ca": json.dumps(str(folder / "ca"), ensure_ascii=False),
        "root": json.dumps(str(folder / "ca" / "root.pem"), ensure_ascii=False),
        "issuing": json.dumps(str(folder / "ca" / "issuing.pem"), ensure_ascii=False),
        "password": KEY_STORE_PASSWORD,
        "api": settings.api_url,
        "web": settings.web_url,
        "number": number,
        "server": settings.server_organization_number,
        "signer": signer.national_identity_number.value,
    }
    curl = f"cd {shlex.quote(str(folder))}\ncurl --cacert ca/root.pem --cert {role}.pem --key {role}.key \\\n     {settings.api_url}/api/{number}"
    return (
        Snippet(id="curl", title="curl", code=curl, answer=f"You are {number}"),
        Snippet(id="java", title="Java", code=_JAVA.substitute(values), answer=None),
        Snippet(id="dotnet", title=".NET", code=_DOTNET.substitute(values), answer=f"You are {number}"),
        Snippet(id="python", title="Python", code=_PYTHON.substitute(values), answer=None),
    )


_JAVA = Template("""\
// FirstJob.java, with no.digipost.signature:signature-api-client-java on the class path
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import no.digipost.signature.client.ClientConfiguration;
import no.digipost.signature.client.ServiceEnvironment;
import no.digipost.signature.client.core.DocumentType;
import no.digipost.signature.client.core.Sender;
import no.digipost.signature.client.direct.DirectClient;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJob;
import no.digipost.signature.client.direct.DirectSigner;
import no.digipost.signature.client.direct.ExitUrls;
import no.digipost.signature.client.security.KeyStoreConfig;

public class FirstJob {
    public static void main(String[] arguments) throws Exception {
        KeyStoreConfig keyStore;
        try (var p12 = Files.newInputStream(Path.of($p12))) {
            keyStore = KeyStoreConfig.fromOrganizationCertificate(p12, "$password");
        }
        var environment = ServiceEnvironment.STAGING
            .withServiceUrl(URI.create("$api/api"))
            .withCertificates($ca);
        var client = new DirectClient(ClientConfiguration.builder(keyStore)
            .serviceEnvironment(environment)
            .serverOrganizationNumber("$server")
            .defaultSender(new Sender("$number"))
            .build());

        var document = DirectDocument.builder("First agreement", "We agree.".getBytes(StandardCharsets.UTF_8))
            .type(DocumentType.TXT)
            .build();
        var signer = DirectSigner.withPersonalIdentificationNumber("$signer").build();
        var exitUrls = ExitUrls.singleExitUrl(URI.create("$web/"));
        var job = client.create(DirectJob.builder("First agreement", document, signer, exitUrls).build());
        System.out.println("Sign at " + job.getSingleSigner().getRedirectUrl());
    }
}""")

_DOTNET = Template("""\
// Program.cs, with the package digipost-signature-api-client
using System;
using System.Security.Cryptography.X509Certificates;
using Digipost.Signature.Api.Client.Core;
using Digipost.Signature.Api.Client.Portal;

var environment = Digipost.Signature.Api.Client.Core.Environment.DifiTest;
environment.Url = new Uri("$api");
environment.AllowedChainCertificates = new X509Certificate2Collection
{
    new X509Certificate2($root),
    new X509Certificate2($issuing),
};
var certificate = new X509Certificate2($p12, "$password");
var sender = new Sender("$number");
var configuration = new ClientConfiguration(environment, certificate, sender);
// The client knows only the CAs that are built into it.
configuration.CertificateValidationPreferences.ValidateSenderCertificate = false;
Console.WriteLine(await new PortalClient(configuration).GetRootResource(sender));""")

_PYTHON = Template("""\
# In Segl's source folder, once: pip install ./clients/python
from segl_client import DirectJob, Document, DocumentType, ExitUrls, SeglClient, SenderCertificate, Signer

certificate = SenderCertificate.from_pkcs12($p12, "$password")
with SeglClient("$api", "$number", certificate=certificate, ca=$ca, server_organization="$server") as client:
    print(client.greeting())
    document = Document(title="First agreement", content=b"We agree.", type=DocumentType.TEXT)
    job = client.create_direct_job(
        DirectJob(
            title="First agreement",
            documents=(document,),
            signers=(Signer(national_identity_number="$signer"),),
            exit_urls=ExitUrls(completion="$web/", rejection="$web/", error="$web/"),
        )
    )
    print("Sign at", job.signers[0].redirect_url)""")
