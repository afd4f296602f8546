package segl.interop.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import no.digipost.signature.client.core.PollingQueue;
import no.digipost.signature.client.core.Sender;
import no.digipost.signature.client.core.exceptions.TooEagerPollingException;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJobResponse;
import no.digipost.signature.client.direct.DirectJobStatus;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import no.digipost.signature.client.direct.SignerStatus;
import no.digipost.signature.client.direct.StatusRetrievalMethod;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Order(4)
class PollingTest {
    private static final String FIRST = RunningSegl.persons().get(0);
    private static final String SECOND = RunningSegl.persons().get(1);

    private final Integrator sender = Integrator.publicSender();

    @Test
    void the_default_queue_gives_the_change_once_and_then_nothing() {
        DirectJobResponse waiting = sender.create(List.of(Documents.pdf("Contract")), FIRST);
        sender.act(waiting, FIRST, "reject");
        DirectJobResponse job = sender.createPolled(new Sender(sender.sender.getOrganizationNumber(), PollingQueue.DEFAULT), FIRST);
        assertEquals(null, job.getStatusUrl());
        sender.act(job, FIRST, "sign");
        DirectJobStatusResponse change = sender.client.getStatusChange();

        assertEquals(job.getSignatureJobId(), change.getSignatureJobId(), "a job that waits for its callback is never on a queue");
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, change.getStatus());
        assertFalse(change.getNextPermittedPollTime().isAfter(Instant.now()), "more may be asked at once");
        Results.keep("polled-default-queue", sender, change, List.of(Documents.pdf("Contract")), FIRST);
        sender.client.confirm(change);
        assertTrue(sender.client.getStatusChange().is(DirectJobStatus.NO_CHANGES));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a queue", "a/b", "blåbærgrøt/Æ", "a+b", "100% & more?#x=y", "plain"})
    void a_named_queue_gives_its_own_changes_only(String name) {
        Sender queue = sender.queue(name);
        DirectJobResponse job = sender.createPolled(queue, FIRST);
        DirectJobResponse elsewhere = sender.createPolled(sender.queue(name + " of others"), FIRST);
        sender.act(elsewhere, FIRST, "reject");
        sender.act(job, FIRST, "reject");
        DirectJobStatusResponse change = sender.client.getStatusChange(queue);

        assertEquals(job.getSignatureJobId(), change.getSignatureJobId());
        assertEquals(SignerStatus.REJECTED, change.getSignatureFrom(FIRST).getStatus());
        sender.client.confirm(change);
        assertTrue(sender.client.getStatusChange(queue).is(DirectJobStatus.NO_CHANGES));
    }

    @Test
    void queues_of_the_same_name_belong_each_to_its_sender() {
        Integrator company = Integrator.privateSender();
        DirectJobResponse theirs = company.createPolled(company.queue("shared name"), FIRST);
        company.act(theirs, FIRST, "reject");
        DirectJobResponse ours = sender.createPolled(sender.queue("shared name"), FIRST);
        sender.act(ours, FIRST, "reject");

        assertEquals(ours.getSignatureJobId(), sender.client.getStatusChange(sender.queue("shared name")).getSignatureJobId());
        assertTrue(sender.client.getStatusChange(sender.queue("shared name")).is(DirectJobStatus.NO_CHANGES));
        assertEquals(theirs.getSignatureJobId(), company.client.getStatusChange(company.queue("shared name")).getSignatureJobId());
    }

    @Test
    void each_signature_of_a_polled_job_is_a_change_of_its_own() {
        Sender queue = sender.queue("two signers");
        List<DirectDocument> documents = List.of(Documents.pdf("Contract"));
        DirectJobResponse job = sender.client.create(Integrator.job(documents, FIRST, SECOND)
                .withSender(queue)
                .retrieveStatusBy(StatusRetrievalMethod.POLLING)
                .build());
        sender.act(job, FIRST, "sign");
        DirectJobStatusResponse half = sender.client.getStatusChange(queue);
        sender.act(job, SECOND, "sign");
        sender.client.confirm(half);
        DirectJobStatusResponse whole = sender.client.getStatusChange(queue);

        assertEquals(DirectJobStatus.IN_PROGRESS, half.getStatus());
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, whole.getStatus(), "a late confirmation swallows nothing newer");
        Results.keep("polled-named-queue", sender, whole, documents, FIRST, SECOND);
        sender.client.confirm(whole);
    }

    @Test
    void what_was_delivered_but_not_confirmed_is_not_delivered_again_at_once() {
        Sender queue = sender.queue("unconfirmed");
        DirectJobResponse rejected = sender.createPolled(queue, FIRST);
        sender.act(rejected, FIRST, "reject");
        DirectJobResponse completed = sender.createPolled(queue, FIRST);
        sender.act(completed, FIRST, "sign");
        DirectJobStatusResponse first = sender.client.getStatusChange(queue);
        DirectJobStatusResponse second = sender.client.getStatusChange(queue);

        assertEquals(rejected.getSignatureJobId(), first.getSignatureJobId(), "oldest first");
        assertEquals(completed.getSignatureJobId(), second.getSignatureJobId(), "and each once");
        assertEquals(DirectJobStatus.COMPLETED_SUCCESSFULLY, second.getStatus());
        Results.keep("polled-unconfirmed", sender, second, List.of(Documents.pdf("Contract")), FIRST);
        assertTrue(sender.client.getStatusChange(queue).is(DirectJobStatus.NO_CHANGES));
    }

    @Test
    void too_early_polling_is_refused_until_the_time_that_was_given() throws InterruptedException {
        Sender queue = sender.queue("eager");
        Duration interval = Duration.ofSeconds(Long.parseLong(RunningSegl.given("segl.poll-interval")));
        Instant before = Instant.now();
        DirectJobStatusResponse nothing = sender.client.getStatusChange(queue);
        Instant after = Instant.now();
        assertTrue(nothing.is(DirectJobStatus.NO_CHANGES));
        Instant permitted = nothing.getNextPermittedPollTime();
        assertFalse(permitted.isBefore(before.plus(interval).truncatedTo(ChronoUnit.SECONDS)), "not before the interval has passed");
        assertFalse(permitted.isAfter(after.plus(interval).plusSeconds(1)), "and not much later");

        assertThrows(TooEagerPollingException.class, () -> sender.client.getStatusChange(queue));
        Integrator.Answer early = sender.pollOnTheWire("eager");
        assertEquals(429, early.status());
        assertEquals(permitted, OffsetDateTime.parse(early.nextPermittedPollTime(), DateTimeFormatter.ISO_DATE_TIME).toInstant(), "early polls do not move it");
        assertNotEquals("", early.body());

        Thread.sleep(Duration.between(Instant.now(), permitted).toMillis() + 1);
        assertTrue(sender.client.getStatusChange(queue).is(DirectJobStatus.NO_CHANGES));
    }
}
