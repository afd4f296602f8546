package segl.interop.client;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import no.digipost.signature.client.core.DocumentType;
import no.digipost.signature.client.direct.DirectDocument;

/** Documents to be signed, made here byte by byte so that no other library has a say in them. */
final class Documents {
    private Documents() {}

    static DirectDocument pdf(String title) {
        return DirectDocument.builder(title, pdfBytes(title)).type(DocumentType.PDF).build();
    }

    static DirectDocument text(String title, String text) {
        return DirectDocument.builder(title, text.getBytes(StandardCharsets.UTF_8)).type(DocumentType.TXT).build();
    }

    /** One A4 page that says {@code line}, with a cross-reference table that is right to the byte. */
    private static byte[] pdfBytes(String line) {
        String drawing = "BT /F1 18 Tf 72 740 Td (" + line + ") Tj ET";
        List<String> objects = List.of(
                "<< /Type /Catalog /Pages 2 0 R >>",
                "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
                "<< /Length " + drawing.length() + " >>\nstream\n" + drawing + "\nendstream",
                "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(ascii("%PDF-1.7\n"));
        List<Integer> offsets = new ArrayList<>();
        for (String object : objects) {
            offsets.add(file.size());
            file.writeBytes(ascii(offsets.size() + " 0 obj\n" + object + "\nendobj\n"));
        }
        int table = file.size();
        StringBuilder end = new StringBuilder("xref\n0 " + (objects.size() + 1) + "\n0000000000 65535 f \n");
        offsets.forEach(offset -> end.append(String.format("%010d 00000 n \n", offset)));
        end.append("trailer\n<< /Size ").append(objects.size() + 1).append(" /Root 1 0 R >>\nstartxref\n").append(table).append("\n%%EOF\n");
        file.writeBytes(ascii(end.toString()));
        return file.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
