package segl.interop.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import no.digipost.signature.client.core.exceptions.DocumentsNotDeletableException;
import no.digipost.signature.client.core.exceptions.UnexpectedResponseException;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJobResponse;
import no.digipost.signature.client.direct.DirectJobStatus;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Last of all, because it moves the clock. */
@Order(9)
class DeletingTest {
    private static final String SIGNER = RunningSegl.persons().get(0);

    @Test
    void documents_are_deleted_a_day_after_the_last_signature_and_not_before() {
        Integrator sender = Integrator.publicSender();
        Integrator broker = Integrator.of("broker", "public-sender");
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.create(documents, SIGNER);
        DirectJobResponse ofBroker = broker.create(documents, SIGNER);
        URI exit = sender.act(job, SIGNER, "sign");
        DirectJobStatusResponse status = sender.status(job, exit);
        DirectJobStatusResponse statusOfBroker = broker.sign(ofBroker, SIGNER);
        Results.keep("deleted", sender, status, documents, SIGNER);
        assertNotNull(status.getDeleteDocumentsUrl());

        UnexpectedResponseException early = assertThrows(
                UnexpectedResponseException.class, () -> sender.client.deleteDocuments(status.getDeleteDocumentsUrl()));
        assertEquals(409, early.httpStatusCode());
        assertTrue(early.isErrorCode("DOCUMENTS_NOT_DELETABLE"), early::getMessage);
        assertTrue(sender.pades(status).length > 0, "what may not be deleted yet is still there");

        RunningSegl.moveClock(Duration.ofHours(25));
        sender.client.deleteDocuments(status.getDeleteDocumentsUrl());
        sender.client.deleteDocuments(status.getDeleteDocumentsUrl());
        broker.client.deleteDocuments(statusOfBroker.getDeleteDocumentsUrl());

        DirectJobStatusResponse after = sender.status(job, exit);
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, after.getStatus(), "what happened stays on record");
        assertFalse(after.isPAdESAvailable());
        assertNull(after.getDeleteDocumentsUrl());
        assertNull(after.getSignatureFrom(SIGNER).getxAdESUrl());
        assertThrows(DocumentsNotDeletableException.class, () -> sender.client.deleteDocuments(after.getDeleteDocumentsUrl()));
        isGone(() -> sender.pades(status));
        isGone(() -> sender.xades(status, SIGNER));
        isGone(() -> sender.pades(statusOfBroker));
    }

    @Test
    void a_job_that_not_all_have_signed_cannot_be_deleted() {
        Integrator sender = Integrator.publicSender();
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), SIGNER, RunningSegl.persons().get(1));
        DirectJobStatusResponse status = sender.sign(job, SIGNER);

        assertThrows(DocumentsNotDeletableException.class, () -> sender.client.deleteDocuments(status.getDeleteDocumentsUrl()));
    }

    private static void isGone(org.junit.jupiter.api.function.Executable download) {
        UnexpectedResponseException gone = assertThrows(UnexpectedResponseException.class, download);
        assertTrue(gone.httpStatusCode() == 404 || gone.httpStatusCode() == 410, gone::getMessage);
        assertNotNull(gone.getErrorCode(), "the answer is an error in XML");
    }
}
