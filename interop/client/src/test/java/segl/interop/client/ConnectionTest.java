package segl.interop.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.ConnectException;
import java.net.SocketException;
import java.util.List;
import javax.net.ssl.SSLException;
import no.digipost.signature.client.ClientConfiguration;
import no.digipost.signature.client.ServiceEnvironment;
import no.digipost.signature.client.core.Sender;
import no.digipost.signature.client.core.exceptions.SecurityException;
import no.digipost.signature.client.core.exceptions.UnexpectedResponseException;
import no.digipost.signature.client.direct.DirectClient;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

@Order(1)
class ConnectionTest {
    @Test
    void a_sender_is_greeted_over_mutual_tls() {
        Integrator sender = Integrator.publicSender();
        Integrator.Answer greeting = sender.greeting();

        assertEquals(200, greeting.status());
        assertEquals("You are " + sender.sender.getOrganizationNumber(), greeting.body());
        assertEquals("TLSv1.3", greeting.tls());
    }

    @Test
    void the_client_refuses_segl_when_it_expects_another_organization() {
        ClientConfiguration elsewhere = Integrator.configuration("public-sender")
                .serverOrganizationNumber("123456785")
                .defaultSender(new Sender(RunningSegl.organization("public-sender")))
                .build();

        Exception refused = assertThrows(Exception.class, () -> new DirectClient(elsewhere).getStatusChange());
        assertTrue(hasCause(refused, SecurityException.class), () -> "refused for another reason: " + refused);
    }

    @Test
    void the_client_refuses_segl_when_it_does_not_know_the_authority() {
        ClientConfiguration stranger = Integrator.configuration("public-sender")
                .serviceEnvironment(ServiceEnvironment.STAGING.withServiceUrl(RunningSegl.API))
                .defaultSender(new Sender(RunningSegl.organization("public-sender")))
                .build();

        Exception refused = assertThrows(Exception.class, () -> new DirectClient(stranger).getStatusChange());
        assertTrue(hasCause(refused, java.security.cert.CertPathBuilderException.class), () -> "refused for another reason: " + refused);
    }

    @Test
    void a_revoked_certificate_is_turned_away_before_http() {
        Integrator revoked = Integrator.of("revoked", "revoked");

        Exception refused = assertThrows(Exception.class, revoked.client::getStatusChange);
        // TLS 1.3 lets the client speak before it is refused, so that the alert may also arrive as a broken connection.
        assertTrue(hasCause(refused, SSLException.class) || hasCause(refused, SocketException.class), () -> "refused otherwise: " + refused);
        assertFalse(hasCause(refused, ConnectException.class), "nothing answers at all");
    }

    @Test
    void an_organization_without_access_is_told_so() {
        Integrator stranger = Integrator.of("stranger", "stranger");

        UnexpectedResponseException refused =
                assertThrows(UnexpectedResponseException.class, () -> stranger.create(List.of(Documents.pdf("Contract")), "12345678910"));
        assertEquals(403, refused.httpStatusCode());
        assertTrue(refused.isErrorCode("NOT_AUTHORIZED"));
        assertTrue(refused.getErrorMessage().contains(stranger.sender.getOrganizationNumber()), refused::getErrorMessage);
    }

    private static boolean hasCause(Throwable error, Class<? extends Throwable> kind) {
        return error != null && (kind.isInstance(error) || hasCause(error.getCause(), kind));
    }
}
