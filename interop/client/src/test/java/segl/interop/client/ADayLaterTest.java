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
import no.digipost.signature.client.core.Sender;
import no.digipost.signature.client.core.exceptions.DocumentsNotDeletableException;
import no.digipost.signature.client.core.exceptions.UnexpectedResponseException;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJobResponse;
import no.digipost.signature.client.direct.DirectJobStatus;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.function.Executable;

/** Last of all, because it moves the clock, and nothing after it could be judged as of now. */
@Order(9)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ADayLaterTest {
    private static final String SIGNER = RunningSegl.persons().get(0);

    @Test
    @Order(1)
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
    @Order(2)
    void a_change_that_was_never_confirmed_comes_back_when_its_lease_is_over() {
        Integrator sender = Integrator.publicSender();
        Sender queue = sender.queue("lease");
        DirectJobResponse job = sender.createPolled(queue, SIGNER);
        sender.act(job, SIGNER, "reject");
        DirectJobStatusResponse lost = sender.client.getStatusChange(queue);

        RunningSegl.moveClock(Duration.ofMinutes(11));
        DirectJobStatusResponse again = sender.client.getStatusChange(queue);
        assertEquals(job.getSignatureJobId(), lost.getSignatureJobId());
        assertEquals(job.getSignatureJobId(), again.getSignatureJobId());
        sender.client.confirm(again);

        RunningSegl.moveClock(Duration.ofMinutes(11));
        assertTrue(sender.client.getStatusChange(queue).is(DirectJobStatus.NO_CHANGES), "a confirmed one does not");
    }

    private static void isGone(Executable download) {
        UnexpectedResponseException gone = assertThrows(UnexpectedResponseException.class, download);
        assertTrue(gone.httpStatusCode() == 404 || gone.httpStatusCode() == 410, gone::getMessage);
        assertNotNull(gone.getErrorCode(), "the answer is an error in XML");
    }
}
