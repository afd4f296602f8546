package segl.interop.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import no.digipost.signature.client.ServiceEnvironment;
import no.digipost.signature.client.security.KeyStoreConfig;

/** The running Segl that all scenarios talk to, and the sandbox material that says who is who. Given as {@code -Dsegl.api}, {@code -Dsegl.web} and {@code -Dsegl.sandbox}. */
final class RunningSegl {
    static final URI API = URI.create(given("segl.api") + "/api");
    static final URI WEB = URI.create(given("segl.web"));

    /** Segl's server certificate carries this number unless it is configured otherwise; the official clients expect it. */
    static final String SERVER_ORGANIZATION = "984661185";

    private static final Path SANDBOX = Path.of(given("segl.sandbox"));
    private static final HttpClient BROWSER =
            HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).followRedirects(HttpClient.Redirect.NEVER).build();

    private RunningSegl() {}

    /** The environment that the documentation tells an integrator to configure: our address, and a folder of our CA certificates. */
    static ServiceEnvironment environment() {
        return ServiceEnvironment.STAGING.withServiceUrl(API).withCertificates(SANDBOX.resolve("ca").toString());
    }

    static KeyStoreConfig keyStore(String role) {
        try (InputStream keyStore = Files.newInputStream(SANDBOX.resolve(role + ".p12"))) {
            return KeyStoreConfig.fromOrganizationCertificate(keyStore, "segl-sandbox");
        } catch (IOException missing) {
            throw new IllegalStateException("The sandbox has no key store for " + role, missing);
        }
    }

    static String organization(String role) {
        return entries("organizations.json")
                .filter(entry -> entry.contains("\"" + role + "\""))
                .map(entry -> value(entry, "organizationNumber"))
                .findFirst()
                .orElseThrow();
    }

    /** National identity numbers of test persons who can log in at level 4, in the order of the list. */
    static List<String> persons() {
        return entries("persons.json")
                .filter(entry -> Pattern.compile("\"levels\":\\s*\\[[^\\]]*4").matcher(entry).find())
                .map(entry -> value(entry, "nationalIdentityNumber"))
                .toList();
    }

    /** What a browser without cookies gets that opens the address. */
    static HttpResponse<String> open(URI address) {
        return send(HttpRequest.newBuilder(address).GET());
    }

    /** Moves the sandbox's clock, for all processes and for ever. */
    static void moveClock(Duration by) {
        HttpResponse<String> moved = send(HttpRequest.newBuilder(WEB.resolve("/sandbox/clock"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString("seconds=" + by.toSeconds())));
        if (moved.statusCode() / 100 != 2) {
            throw new IllegalStateException("The clock did not move: " + moved.statusCode() + " " + moved.body());
        }
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return BROWSER.send(request.timeout(Duration.ofSeconds(20)).build(), BodyHandlers.ofString());
        } catch (IOException error) {
            throw new IllegalStateException("Segl's web address cannot be reached", error);
        } catch (InterruptedException error) {
            throw new IllegalStateException("Interrupted", error);
        }
    }

    private static Stream<String> entries(String file) {
        try {
            return Stream.of(Files.readString(SANDBOX.resolve(file)).split("\\{"));
        } catch (IOException missing) {
            throw new IllegalStateException("The sandbox has no " + file, missing);
        }
    }

    private static String value(String entry, String name) {
        return Pattern.compile("\"" + name + "\":\\s*\"([^\"]+)\"")
                .matcher(entry)
                .results()
                .map(found -> found.group(1))
                .findFirst()
                .orElseThrow();
    }

    static String given(String property) {
        String value = System.getProperty(property, "");
        if (value.isEmpty()) {
            throw new IllegalStateException("Say -D" + property + "=…; tests/interop starts Segl and gives all of them");
        }
        return value;
    }
}
