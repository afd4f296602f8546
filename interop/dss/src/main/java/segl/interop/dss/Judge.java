package segl.interop.dss;

import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.DSSException;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.simplereport.jaxb.XmlTimestamp;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Judges every sealed PDF and every XAdES of a folder with EU DSS's default policy, trusting nothing but the given roots, without network.
 *
 * <p>Each file is judged twice: now, and with the clock an hour ahead. A fresh signature passes even with an untrusted time-stamp;
 * an hour later the ten-minute certificate is past, and only what the file itself carries can save it.
 *
 * <p>Usage: {@code java -jar dss-1.jar RESULTS ROOTS [--now=2026-01-31T12:00:00Z]}. RESULTS is searched with its sub-folders. The originals that an
 * XAdES refers to lie beside it under their own names. ROOTS holds .pem files. {@code --now} stands in for the clock, for a sandbox whose clock was moved.
 * Ends with 0 when all pass as PAdES-BASELINE-LT or XAdES-BASELINE-LT, 1 when one does not, 2 when there is nothing to judge.
 */
public final class Judge {
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";
    private static final String ROW = "%-44s %-6s %-20s %-22s %-28s %s%n";

    private Judge() {}

    public static void main(String[] arguments) throws IOException {
        List<String> places = Stream.of(arguments).filter(each -> !each.startsWith("--")).toList();
        if (places.size() != 2) {
            System.err.println("Usage: java -jar dss-1.jar RESULTS ROOTS [--now=INSTANT]");
            System.exit(2);
        }
        Instant now = Stream.of(arguments)
                .filter(each -> each.startsWith("--now="))
                .map(each -> Instant.parse(each.substring("--now=".length())))
                .findFirst()
                .orElseGet(Instant::now);
        Path results = Path.of(places.get(0));
        CommonTrustedCertificateSource roots = roots(Path.of(places.get(1)));
        List<Path> files = signatures(results);
        if (files.isEmpty() || roots.getCertificates().isEmpty()) {
            System.err.printf("Nothing to judge: %d signatures, %d roots%n", files.size(), roots.getCertificates().size());
            System.exit(2);
        }
        boolean passed = true;
        System.out.printf(ROW, "file", "clock", "level", "indication", "sub-indication", "why");
        for (Path file : files) {
            passed &= judge(results, file, roots, now, "now");
            passed &= judge(results, file, roots, now.plus(Duration.ofHours(1)), "+1 h");
        }
        System.out.println(passed ? "All passed." : "Not all passed.");
        System.exit(passed ? 0 : 1);
    }

    private static boolean judge(Path results, Path file, CommonTrustedCertificateSource roots, Instant at, String clock) {
        String name = results.relativize(file).toString();
        try {
            return judged(name, file, roots, at, clock);
        } catch (DSSException | IOException error) {
            System.out.printf(ROW, name, clock, "-", "cannot be read", "-", error.getMessage());
            return false;
        }
    }

    private static boolean judged(String name, Path file, CommonTrustedCertificateSource roots, Instant at, String clock) throws IOException {
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(file.toFile()));
        // A verifier without AIA, CRL and OCSP sources: what the file does not carry is not there.
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(roots);
        verifier.setAIASource(null);
        verifier.setCrlSource(null);
        verifier.setOcspSource(null);
        validator.setCertificateVerifier(verifier);
        validator.setValidationTime(Date.from(at));
        SignatureLevel wanted = SignatureLevel.PAdES_BASELINE_LT;
        if (isXml(file)) {
            wanted = SignatureLevel.XAdES_BASELINE_LT;
            List<DSSDocument> originals = new ArrayList<>();
            for (Path original : originals(file)) {
                originals.add(new FileDocument(original.toFile()));
            }
            validator.setDetachedContents(originals);
        }
        SimpleReport report = validator.validateDocument().getSimpleReport();
        if (report.getSignatureIdList().isEmpty()) {
            System.out.printf(ROW, name, clock, "-", "no signature", "-", "");
            return false;
        }
        boolean passed = true;
        for (String id : report.getSignatureIdList()) {
            Indication indication = report.getIndication(id);
            SignatureLevel level = report.getSignatureFormat(id);
            // An untrusted time-stamp does not spoil a fresh signature in DSS's eyes; here it does.
            List<XmlTimestamp> lost = report.getSignatureTimestamps(id).stream()
                    .filter(stamp -> stamp.getIndication() != Indication.PASSED)
                    .toList();
            boolean isGood = indication == Indication.TOTAL_PASSED && level == wanted && lost.isEmpty();
            List<String> why = new ArrayList<>();
            if (!isGood) {
                report.getAdESValidationErrors(id).forEach(each -> why.add(each.getValue()));
                report.getAdESValidationWarnings(id).forEach(each -> why.add(each.getValue()));
                lost.forEach(stamp -> why.add("time-stamp " + stamp.getIndication() + " " + stamp.getSubIndication()));
            }
            Object sub = report.getSubIndication(id);
            System.out.printf(ROW, name, clock, level, indication, sub == null ? "-" : sub, String.join("; ", why));
            passed &= isGood;
        }
        return passed;
    }

    /** Every XAdES, and every PDF that no XAdES beside it refers to: those are originals. */
    private static List<Path> signatures(Path results) throws IOException {
        List<Path> found = new ArrayList<>();
        Set<Path> originals = new HashSet<>();
        for (Path file : files(results, ".pdf", ".xml")) {
            if (!isXml(file)) {
                found.add(file);
            } else if (!references(file).isEmpty()) {
                found.add(file);
                originals.addAll(originals(file));
            }
        }
        found.removeAll(originals);
        return found;
    }

    private static boolean isXml(Path file) {
        return file.toString().endsWith(".xml");
    }

    private static List<Path> originals(Path signature) throws IOException {
        return references(signature).stream()
                .filter(uri -> !uri.isEmpty() && !uri.startsWith("#"))
                .map(uri -> signature.resolveSibling(URLDecoder.decode(uri.replace("+", "%2B"), StandardCharsets.UTF_8)))
                .toList();
    }

    /** What a signature's SignedInfo refers to; nothing when the file's root is no signature. */
    private static List<String> references(Path file) throws IOException {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            factory.setNamespaceAware(true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null);
            Element root = builder.parse(file.toFile()).getDocumentElement();
            List<String> references = new ArrayList<>();
            if (DS.equals(root.getNamespaceURI()) && "Signature".equals(root.getLocalName())) {
                NodeList found = root.getElementsByTagNameNS(DS, "Reference");
                for (int number = 0; number < found.getLength(); number++) {
                    references.add(((Element) found.item(number)).getAttribute("URI"));
                }
            }
            return references;
        } catch (ParserConfigurationException | SAXException error) {
            throw new IOException(file + " is no XML that can be read", error);
        }
    }

    private static CommonTrustedCertificateSource roots(Path folder) throws IOException {
        CommonTrustedCertificateSource roots = new CommonTrustedCertificateSource();
        for (Path file : files(folder, ".pem")) {
            roots.addCertificate(DSSUtils.loadCertificate(file.toFile()));
        }
        return roots;
    }

    private static List<Path> files(Path folder, String... endings) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(each -> Stream.of(endings).anyMatch(each.toString()::endsWith)).sorted().toList();
        }
    }
}
