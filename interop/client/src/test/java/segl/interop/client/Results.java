package segl.interop.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import no.digipost.signature.client.direct.DirectDocument;
import no.digipost.signature.client.direct.DirectJobStatusResponse;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** The folder that the judges read: a sub-folder for each scenario, with sealed PDFs, XAdES files and the originals under the names that the XAdES use. */
final class Results {
    private static final Path FOLDER = Path.of(RunningSegl.given("segl.results"));
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";

    private Results() {}

    /** Downloads and keeps the sealed PDF and the XAdES of each of {@code signers}; each XAdES must refer to exactly {@code documents}. */
    static void keep(
            String scenario, Integrator integrator, DirectJobStatusResponse status, List<DirectDocument> documents, String... signers) {
        keepPdf(scenario, "sealed.pdf", integrator.pades(status));
        for (int number = 0; number < signers.length; number++) {
            keepXades(scenario, "signer-" + (number + 1) + ".xml", integrator.xades(status, signers[number]), documents);
        }
    }

    static void keepPdf(String scenario, String name, byte[] sealed) {
        assertTrue(new String(sealed, 0, 5, StandardCharsets.US_ASCII).startsWith("%PDF-"), "a sealed PDF is a PDF");
        write(scenario, name, sealed);
    }

    static void keepXades(String scenario, String name, byte[] xades, List<DirectDocument> documents) {
        Map<String, byte[]> byDigest = new HashMap<>();
        documents.forEach(each -> byDigest.put(sha256(each.content), each.content));
        Set<String> referred = new HashSet<>();
        NodeList references = signature(xades).getElementsByTagNameNS(DS, "Reference");
        IntStream.range(0, references.getLength()).mapToObj(index -> (Element) references.item(index)).forEach(reference -> {
            String uri = reference.getAttribute("URI");
            if (!uri.startsWith("#")) {
                String digest = reference.getElementsByTagNameNS(DS, "DigestValue").item(0).getTextContent().strip();
                assertTrue(byDigest.containsKey(digest), uri + " is none of the documents that were sent");
                referred.add(digest);
                write(scenario, URLDecoder.decode(uri.replace("+", "%2B"), StandardCharsets.UTF_8), byDigest.get(digest));
            }
        });
        assertEquals(byDigest.keySet(), referred, "a XAdES refers to every document");
        write(scenario, name, xades);
    }

    private static Element signature(byte[] xades) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            Element root = factory.newDocumentBuilder().parse(new ByteArrayInputStream(xades)).getDocumentElement();
            assertEquals("Signature", root.getLocalName());
            return root;
        } catch (ParserConfigurationException | SAXException | IOException error) {
            throw new AssertionError("the XAdES is not well-formed", error);
        }
    }

    private static String sha256(byte[] content) {
        try {
            return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static void write(String scenario, String name, byte[] content) {
        try {
            Path folder = Files.createDirectories(FOLDER.resolve(scenario));
            Files.write(folder.resolve(name), content);
        } catch (IOException error) {
            throw new IllegalStateException("The results cannot be written", error);
        }
    }
}
