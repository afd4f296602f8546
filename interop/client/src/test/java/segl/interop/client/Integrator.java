package segl.interop.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import no.digipost.signature.client.ClientConfiguration;
import no.digipost.signature.client.core.PollingQueue;
import no.digipost.signature.client.core.ResponseInputStream;
import no.digipost.signature.client.core.Sender;
import no.digipost.signature.client.direct.DirectClient;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJob;
import no.digipost.signature.client.direct.DirectJobResponse;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import no.digipost.signature.client.direct.DirectSigner;
import no.digipost.signature.client.direct.ExitUrls;
import no.digipost.signature.client.direct.StatusReference;
import no.digipost.signature.client.direct.StatusRetrievalMethod;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.io.entity.EntityUtils;

/** An organization that uses the official client as it comes, with its own certificate and for a sender. */
final class Integrator {
    static final ExitUrls EXIT_URLS = ExitUrls.of(
            URI.create("https://sender.example/completed"),
            URI.create("https://sender.example/rejected"),
            URI.create("https://sender.example/failed"));

    final DirectClient client;
    final Sender sender;
    private final ClientConfiguration configuration;

    private Integrator(ClientConfiguration configuration, Sender sender) {
        this.configuration = configuration;
        this.sender = sender;
        this.client = new DirectClient(configuration);
    }

    static Integrator publicSender() {
        return of("public-sender", "public-sender");
    }

    static Integrator privateSender() {
        return of("private-sender", "private-sender");
    }

    /** Whoever holds the key store of {@code role}, acting for the organization of {@code senderRole}. */
    static Integrator of(String role, String senderRole) {
        Sender sender = new Sender(RunningSegl.organization(senderRole));
        return new Integrator(configuration(role).defaultSender(sender).build(), sender);
    }

    static ClientConfiguration.Builder configuration(String role) {
        return ClientConfiguration.builder(RunningSegl.keyStore(role))
                .serviceEnvironment(RunningSegl.environment())
                .serverOrganizationNumber(RunningSegl.SERVER_ORGANIZATION);
    }

    Sender queue(String name) {
        return new Sender(sender.getOrganizationNumber(), PollingQueue.of(name));
    }

    DirectJobResponse create(List<DirectDocument> documents, String... signers) {
        return client.create(job(documents, signers).build());
    }

    DirectJobResponse createPolled(Sender queue, String... signers) {
        return client.create(job(List.of(Documents.pdf("Contract")), signers)
                .withSender(queue)
                .retrieveStatusBy(StatusRetrievalMethod.POLLING)
                .build());
    }

    static DirectJob.Builder job(List<DirectDocument> documents, String... signers) {
        List<DirectSigner> all =
                Stream.of(signers).map(each -> DirectSigner.withPersonalIdentificationNumber(each).build()).toList();
        return DirectJob.builder("Contract of apprenticeship", documents, all, EXIT_URLS);
    }

    /** Lets the signer act through Segl's test endpoint, which walks the real ceremony; returns the exit URL the browser is sent to. */
    URI act(DirectJobResponse job, String signer, String outcome) {
        Answer answer = actOnTheWire(job, signer, outcome);
        if (answer.status() != 200) {
            throw new IllegalStateException("The test endpoint answered " + answer.status() + ": " + answer.body());
        }
        return URI.create(answer.body());
    }

    DirectJobStatusResponse status(DirectJobResponse job, URI exitUrl) {
        return client.getStatus(StatusReference.of(job).withStatusQueryToken(token(exitUrl)));
    }

    Answer actOnTheWire(DirectJobResponse job, String signer, String outcome) {
        String path = "/web/signature-jobs/" + job.getSignatureJobId() + "/devmodesign?signer="
                + URLEncoder.encode(signer, StandardCharsets.UTF_8) + "&outcome=" + outcome;
        return call(new HttpPost(RunningSegl.API.resolve(path)));
    }

    /** The job's state after the signer has signed. */
    DirectJobStatusResponse sign(DirectJobResponse job, String signer) {
        return status(job, act(job, signer, "sign"));
    }

    byte[] pades(DirectJobStatusResponse status) {
        return read(client.getPAdES(status.getpAdESUrl()));
    }

    byte[] xades(DirectJobStatusResponse status, String signer) {
        return read(client.getXAdES(status.getSignatureFrom(signer).getxAdESUrl()));
    }

    Answer greeting() {
        return call(new HttpGet(RunningSegl.API + "/" + sender.getOrganizationNumber()));
    }

    /** What the queue answers on the wire, with the very connection and retries of the official client. */
    Answer pollOnTheWire(String queue) {
        return call(new HttpGet(RunningSegl.API + "/" + sender.getOrganizationNumber() + "/direct/signature-jobs?polling_queue=" + queue));
    }

    Answer statusOnTheWire(DirectJobResponse job, URI exitUrl) {
        return call(new HttpGet(StatusReference.of(job).withStatusQueryToken(token(exitUrl)).getStatusUrl()));
    }

    private Answer call(ClassicHttpRequest request) {
        try {
            HttpClientContext context = HttpClientContext.create();
            return configuration.defaultHttpClient().execute(request, context, response -> {
                String body = response.getEntity() == null ? "" : EntityUtils.toString(response.getEntity());
                Header pollTime = response.getFirstHeader("X-Next-permitted-poll-time");
                String tls = context.getSSLSession().getProtocol();
                return new Answer(response.getCode(), body, pollTime == null ? "" : pollTime.getValue(), tls);
            });
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    record Answer(int status, String body, String nextPermittedPollTime, String tls) {}

    static String token(URI exitUrl) {
        String start = "status_query_token=";
        return Stream.of(exitUrl.getRawQuery().split("&"))
                .filter(each -> each.startsWith(start))
                .map(each -> each.substring(start.length()))
                .findFirst()
                .orElseThrow();
    }

    static byte[] read(ResponseInputStream stream) {
        try (stream) {
            return stream.readAllBytes();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
