package segl.interop.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import no.digipost.signature.client.core.Sender;
import no.digipost.signature.client.core.exceptions.BrokerNotAuthorizedException;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJobResponse;
import no.digipost.signature.client.direct.DirectJobStatus;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

@Order(3)
class BrokerTest {
    private static final String SIGNER = RunningSegl.persons().get(0);

    private final Integrator broker = Integrator.of("broker", "public-sender");
    private final Integrator notAuthorized = Integrator.of("private-sender", "public-sender");
    private final Integrator sender = Integrator.publicSender();

    @Test
    void a_broker_is_greeted_with_both_names() {
        assertEquals(
                "You are " + RunningSegl.organization("broker") + ",\noperating on behalf of " + sender.sender.getOrganizationNumber(),
                broker.greeting().body());
    }

    @Test
    void a_broker_does_for_the_sender_all_that_the_sender_could() {
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = broker.create(documents, SIGNER);
        broker.client.requestNewRedirectUrl(job.getSingleSigner());
        DirectJobStatusResponse status = broker.sign(job, SIGNER);

        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, status.getStatus());
        Results.keep("broker", broker, status, documents, SIGNER);
        broker.client.confirm(status);
    }

    @Test
    void a_broker_polls_the_senders_queue() {
        Sender queue = broker.queue("the broker's");
        DirectJobResponse job = broker.createPolled(queue, SIGNER);
        broker.act(job, SIGNER, "reject");
        DirectJobStatusResponse change = broker.client.getStatusChange(queue);

        assertEquals(job.getSignatureJobId(), change.getSignatureJobId());
        assertEquals(DirectJobStatus.FAILED, change.getStatus());
        broker.client.confirm(change);
    }

    @Test
    void an_unauthorized_broker_may_do_nothing_of_it() {
        DirectJobResponse job = sender.create(List.of(Documents.pdf("Contract")), SIGNER);
        URI exit = sender.act(job, SIGNER, "sign");
        DirectJobStatusResponse status = sender.status(job, exit);

        Results.keep("unauthorized-broker", sender, status, List.of(Documents.pdf("Contract")), SIGNER);
        refused(() -> notAuthorized.create(List.of(Documents.pdf("Contract")), SIGNER));
        refused(() -> notAuthorized.client.getStatusChange());
        refusedOnTheWire(notAuthorized.statusOnTheWire(job, exit));
        refused(() -> notAuthorized.client.requestNewRedirectUrl(job.getSingleSigner()));
        refused(() -> notAuthorized.client.confirm(status));
        refused(() -> notAuthorized.pades(status));
        refused(() -> notAuthorized.xades(status, SIGNER));
        refused(() -> notAuthorized.client.deleteDocuments(status.getDeleteDocumentsUrl()));
        refusedOnTheWire(notAuthorized.greeting());
        assertTrue(sender.pades(status).length > 0, "and the job is untouched");
    }

    /** What the client itself cannot tell of: it reads the body of a refused status twice and fails on the second time. */
    private void refusedOnTheWire(Integrator.Answer answer) {
        assertEquals(403, answer.status());
        assertTrue(answer.body().contains("<error-code>BROKER_NOT_AUTHORIZED</error-code>"), answer::body);
        String serial = RunningSegl.keyStore("private-sender").getCertificate().getSerialNumber().toString(16);
        for (String told : List.of(RunningSegl.organization("private-sender"), sender.sender.getOrganizationNumber(), serial)) {
            assertTrue(answer.body().toLowerCase(Locale.ROOT).contains(told), answer::body);
        }
    }

    private static void refused(Executable call) {
        assertThrows(BrokerNotAuthorizedException.class, call);
    }
}
