package segl.interop.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.List;
import no.digipost.signature.client.core.AuthenticationLevel;
import no.digipost.signature.client.core.IdentifierInSignedDocuments;
import no.digipost.signature.client.core.ResponseInputStream;
import no.digipost.signature.client.core.SignatureType;
import no.digipost.signature.client.core.exceptions.CantQueryStatusException;
import no.digipost.signature.client.core.exceptions.DocumentsNotDeletableException;
import no.digipost.signature.client.core.exceptions.InvalidStatusQueryTokenException;
import no.digipost.signature.client.core.exceptions.UnexpectedResponseException;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJob;
import no.digipost.signature.client.direct.DirectJobResponse;
import no.digipost.signature.client.direct.DirectJobStatus;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import no.digipost.signature.client.direct.DirectSigner;
import no.digipost.signature.client.direct.DirectSignerResponse;
import no.digipost.signature.client.direct.SignerStatus;
import no.digipost.signature.client.direct.StatusReference;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

@Order(2)
class SigningTest {
    private static final String FIRST = RunningSegl.persons().get(0);
    private static final String SECOND = RunningSegl.persons().get(1);

    private final Integrator sender = Integrator.publicSender();

    @Test
    void one_signer_signs_and_the_sender_fetches_everything_and_confirms() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.client.create(Integrator.job(documents, FIRST)
                .withReference("our-case/2031")
                .withDescription("Read all of it before you sign.")
                .build());
        URI exit = sender.act(job, FIRST, "sign");
        DirectJobStatusResponse status = sender.status(job, exit);

        assertTrue(exit.toString().startsWith(Integrator.EXIT_URLS.getCompletionUrl() + "?status_query_token="), exit::toString);
        assertTrue(job.getSignatureJobId() > 0);
        assertEquals("our-case/2031", job.getReference());
        assertTrue(job.getSingleSigner().hasIdentifier(FIRST));
        assertEquals(job.getSignatureJobId(), status.getSignatureJobId());
        assertEquals("our-case/2031", status.getReference());
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        assertEquals(SignerStatus.SIGNED, status.getSignatureFrom(FIRST).getStatus());
        assertTrue(status.isPAdESAvailable());
        Results.keep("one-signer", sender, status, documents, FIRST);
        sender.client.confirm(status);
    }

    @Test
    void two_signers_sign_one_after_the_other() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.create(documents, FIRST, SECOND);

        DirectJobStatusResponse half = sender.sign(job, FIRST);
        assertEquals(DirectJobStatus.IN_PROGRESS, half.getStatus());
        assertEquals(SignerStatus.SIGNED, half.getSignatureFrom(FIRST).getStatus());
        assertEquals(SignerStatus.WAITING, half.getSignatureFrom(SECOND).getStatus());
        assertNull(half.getSignatureFrom(SECOND).getxAdESUrl());
        assertNull(half.getDeleteDocumentsUrl());
        byte[] xadesOfFirst = sender.xades(half, FIRST);
        Results.keepPdf("two-signers", "sealed-after-the-first.pdf", sender.pades(half));
        sender.client.confirm(half);

        DirectJobStatusResponse whole = sender.sign(job, SECOND);
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, whole.getStatus());
        assertEquals(SignerStatus.SIGNED, whole.getSignatureFrom(SECOND).getStatus());
        assertArrayEquals(xadesOfFirst, sender.xades(whole, FIRST), "a later signature leaves an earlier one as it is");
        Results.keep("two-signers", sender, whole, documents, FIRST, SECOND);
        sender.client.confirm(whole);
    }

    @Test
    void several_documents_are_signed_together() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"), Documents.pdf("House rules"), Documents.pdf("Plan of training"));
        DirectJobStatusResponse status = sender.sign(sender.create(documents, FIRST), FIRST);

        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("several-documents", sender, status, documents, FIRST);
    }

    @Test
    void a_text_document_is_signed() {
        List<DirectDocument> documents = List.of(Documents.text("Læreplan", "Først blåbær.\n\nSå rømmegrøt på Ørlandet.\n"));
        DirectJobStatusResponse status = sender.sign(sender.create(documents, FIRST), FIRST);

        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("text-document", sender, status, documents, FIRST);
    }

    @Test
    void text_and_pdf_are_signed_together_by_two() {
        List<DirectDocument> documents = List.of(Documents.text("Notes", "One line.\n"), Documents.pdf("Contract"));
        DirectJobResponse job = sender.create(documents, FIRST, SECOND);
        sender.sign(job, SECOND);
        DirectJobStatusResponse status = sender.sign(job, FIRST);

        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("text-and-pdf", sender, status, documents, FIRST, SECOND);
    }

    @Test
    void a_private_sender_gets_advanced_signatures() {
        Integrator company = Integrator.privateSender();
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"), Documents.pdf("Terms"));
        DirectSigner signer = DirectSigner.withPersonalIdentificationNumber(FIRST)
                .withSignatureType(SignatureType.ADVANCED_SIGNATURE)
                .build();
        DirectJobResponse job = company.client.create(
                DirectJob.builder("Contract of apprenticeship", documents, List.of(signer), Integrator.EXIT_URLS)
                        .requireAuthentication(AuthenticationLevel.FOUR)
                        .withIdentifierInSignedDocuments(IdentifierInSignedDocuments.DATE_OF_BIRTH_AND_NAME)
                        .build());
        DirectJobStatusResponse status = company.sign(job, FIRST);

        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("advanced-by-private-sender", company, status, documents, FIRST);
        company.client.confirm(status);
    }

    @Test
    void a_private_sender_may_not_ask_for_less_than_advanced() {
        Integrator company = Integrator.privateSender();
        DirectSigner signer = DirectSigner.withPersonalIdentificationNumber(FIRST)
                .withSignatureType(SignatureType.AUTHENTICATED_SIGNATURE)
                .build();
        DirectJob job = DirectJob.builder("Contract", Documents.pdf("Contract"), signer, Integrator.EXIT_URLS).build();

        UnexpectedResponseException refused = assertThrows(UnexpectedResponseException.class, () -> company.client.create(job));
        assertEquals(400, refused.httpStatusCode());
        assertTrue(refused.isErrorCode("SIGNATURE_TYPE_NOT_ALLOWED"), refused::getMessage);
    }

    @Test
    void a_signer_known_to_the_sender_only_by_an_identifier_of_its_own_signs() {
        String customer = "customer 17/æ";
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectSigner signer = DirectSigner.withCustomIdentifier(customer).build();
        DirectJobResponse job = sender.client.create(
                DirectJob.builder("Contract", documents, List.of(signer), Integrator.EXIT_URLS)
                        .withIdentifierInSignedDocuments(IdentifierInSignedDocuments.NAME)
                        .build());
        DirectJobStatusResponse status = sender.sign(job, customer);

        assertEquals(customer, job.getSingleSigner().getCustomIdentifier());
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("custom-identifier", sender, status, documents, customer);
    }

    @Test
    void a_new_redirect_url_replaces_the_old_one_and_opens_the_ceremony() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.create(documents, FIRST);
        DirectSignerResponse renewed = sender.client.requestNewRedirectUrl(job.getSingleSigner());

        assertEquals(job.getSingleSigner().getSignerUrl(), renewed.getSignerUrl());
        assertTrue(renewed.hasIdentifier(FIRST));
        assertNotEquals(job.getSingleSigner().getRedirectUrl(), renewed.getRedirectUrl());
        assertTrue(RunningSegl.open(job.getSingleSigner().getRedirectUrl()).statusCode() >= 400, "the old address is dead");
        HttpResponse<String> opened = RunningSegl.open(renewed.getRedirectUrl());
        assertEquals(303, opened.statusCode());
        assertTrue(opened.headers().firstValue("Location").orElse("").contains("/sign/"), () -> opened.headers().toString());
        assertTrue(RunningSegl.open(renewed.getRedirectUrl()).statusCode() >= 400, "an address opens once");

        DirectJobStatusResponse status = sender.sign(job, FIRST);
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("new-redirect-url", sender, status, documents, FIRST);
    }

    @Test
    void a_rejection_ends_the_job_and_the_other_signer_is_no_longer_asked() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), FIRST, SECOND);
        URI exit = sender.act(job, FIRST, "reject");
        DirectJobStatusResponse status = sender.status(job, exit);

        assertTrue(exit.toString().startsWith(Integrator.EXIT_URLS.getRejectionUrl() + "?status_query_token="), exit::toString);
        assertEquals(DirectJobStatus.FAILED, status.getStatus());
        assertEquals(SignerStatus.REJECTED, status.getSignatureFrom(FIRST).getStatus());
        assertEquals(SignerStatus.NOT_APPLICABLE, status.getSignatureFrom(SECOND).getStatus());
        assertFalse(status.isPAdESAvailable());
        UnexpectedResponseException refused = assertThrows(
                UnexpectedResponseException.class, () -> sender.client.requestNewRedirectUrl(job.getSignerIdentifiedBy(SECOND)));
        assertEquals(409, refused.httpStatusCode());
        sender.client.confirm(status);
    }

    @Test
    void after_a_failure_a_new_redirect_url_lets_the_signer_try_again() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.create(documents, FIRST);
        URI exit = sender.act(job, FIRST, "fail");
        DirectJobStatusResponse failed = sender.status(job, exit);

        assertTrue(exit.toString().startsWith(Integrator.EXIT_URLS.getErrorUrl() + "?status_query_token="), exit::toString);
        assertEquals(DirectJobStatus.FAILED, failed.getStatus());
        assertEquals(SignerStatus.FAILED, failed.getSignatureFrom(FIRST).getStatus());

        sender.client.requestNewRedirectUrl(job.getSingleSigner());
        DirectJobStatusResponse reopened = sender.status(job, exit);
        assertEquals(DirectJobStatus.IN_PROGRESS, reopened.getStatus());
        assertEquals(SignerStatus.WAITING, reopened.getSignatureFrom(FIRST).getStatus());

        DirectJobStatusResponse status = sender.sign(job, FIRST);
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("signed-after-failure", sender, status, documents, FIRST);
    }

    @Test
    void status_before_the_ceremony_cannot_be_asked() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), FIRST);

        assertThrows(
                CantQueryStatusException.class,
                () -> sender.client.getStatus(StatusReference.of(job).withStatusQueryToken("too-early")));
    }

    @Test
    void a_wrong_token_and_the_token_of_another_job_are_refused() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), FIRST);
        DirectJobResponse other = sender.create(List.of(Documents.pdf("Contract")), FIRST);
        sender.act(job, FIRST, "reject");
        URI exitOfOther = sender.act(other, FIRST, "reject");

        assertThrows(
                InvalidStatusQueryTokenException.class,
                () -> sender.client.getStatus(StatusReference.of(job).withStatusQueryToken("wrong")));
        assertThrows(InvalidStatusQueryTokenException.class, () -> sender.status(job, exitOfOther));
    }

    @Test
    void downloads_come_with_their_length_and_are_the_same_each_time() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), FIRST);
        DirectJobStatusResponse status = sender.sign(job, FIRST);

        ResponseInputStream pades = sender.client.getPAdES(status.getpAdESUrl());
        long length = pades.getContentLength();
        byte[] sealed = Integrator.read(pades);
        assertEquals(sealed.length, length);
        assertArrayEquals(sealed, sender.pades(status));

        ResponseInputStream xades = sender.client.getXAdES(status.getSignatureFrom(FIRST).getxAdESUrl());
        long lengthOfXades = xades.getContentLength();
        byte[] signature = Integrator.read(xades);
        assertEquals(signature.length, lengthOfXades);
        assertArrayEquals(signature, sender.xades(status, FIRST));
        Results.keep("downloads", sender, status, List.of(Documents.pdf("Contract")), FIRST);
    }

    @Test
    void confirming_twice_is_as_good_as_once_and_the_documents_stay() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), FIRST);
        DirectJobStatusResponse status = sender.sign(job, FIRST);
        byte[] sealed = sender.pades(status);

        sender.client.confirm(status);
        sender.client.confirm(status);
        assertArrayEquals(sealed, sender.pades(status));
        Results.keep("confirmed-twice", sender, status, List.of(Documents.pdf("Contract")), FIRST);
    }

    @Test
    void a_document_of_ten_megabytes_is_signed_within_the_clients_patience() {
        List<DirectDocument> documents = List.of(Documents.scan("Contract", 10_300_000));
        DirectJobStatusResponse status = sender.sign(sender.create(documents, FIRST), FIRST);

        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("ten-megabytes", sender, status, documents, FIRST);
    }

    @Test
    void a_job_that_not_all_have_signed_cannot_be_deleted() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.create(documents, FIRST, SECOND);
        DirectJobStatusResponse status = sender.sign(job, FIRST);

        assertThrows(DocumentsNotDeletableException.class, () -> sender.client.deleteDocuments(status.getDeleteDocumentsUrl()));
        Results.keep("not-all-signed", sender, status, documents, FIRST);
    }

    @Test
    void signing_without_a_browser_is_refused_for_an_unknown_signer_and_after_the_end() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), FIRST);

        assertEquals(404, sender.actOnTheWire(job, SECOND, "sign").status());
        assertEquals(404, Integrator.privateSender().actOnTheWire(job, FIRST, "sign").status(), "another sender learns nothing");
        sender.act(job, FIRST, "reject");
        assertEquals(409, sender.actOnTheWire(job, FIRST, "sign").status());
    }
}
