package segl.interop.client;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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

    /** A page that is one picture of about so many bytes which no compression makes smaller, as scanners leave them. */
    static DirectDocument scan(String title, int size) {
        int side = (int) Math.sqrt(size / 3.0);
        byte[] pixels = new byte[side * side * 3];
        new Random(7).nextBytes(pixels);
        String picture = "/Type /XObject /Subtype /Image /BitsPerComponent 8 /ColorSpace /DeviceRGB /Width " + side + " /Height " + side;
        String drawing = "q 595 0 0 842 0 0 cm /It Do Q";
        return DirectDocument.builder(title, onePage("/XObject << /It 5 0 R >>", drawing, stream(picture, pixels)))
                .type(DocumentType.PDF)
                .build();
    }

    private static byte[] pdfBytes(String line) {
        String drawing = "BT /F1 18 Tf 72 740 Td (" + line + ") Tj ET";
        return onePage("/Font << /F1 5 0 R >>", drawing, ascii("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"));
    }

    /** One A4 page that draws with object 5, and a cross-reference table that is right to the byte. */
    private static byte[] onePage(String resources, String drawing, byte[] object5) {
        List<byte[]> objects = List.of(
                ascii("<< /Type /Catalog /Pages 2 0 R >>"),
                ascii("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
                ascii("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << " + resources + " >> >>"),
                stream("", ascii(drawing)),
                object5);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(ascii("%PDF-1.7\n"));
        List<Integer> offsets = new ArrayList<>();
        for (byte[] object : objects) {
            offsets.add(file.size());
            file.writeBytes(ascii(offsets.size() + " 0 obj\n"));
            file.writeBytes(object);
            file.writeBytes(ascii("\nendobj\n"));
        }
        int table = file.size();
        StringBuilder end = new StringBuilder("xref\n0 " + (objects.size() + 1) + "\n0000000000 65535 f \n");
        offsets.forEach(offset -> end.append(String.format("%010d 00000 n \n", offset)));
        end.append("trailer\n<< /Size ").append(objects.size() + 1).append(" /Root 1 0 R >>\nstartxref\n").append(table).append("\n%%EOF\n");
        file.writeBytes(ascii(end.toString()));
        return file.toByteArray();
    }

    private static byte[] stream(String entries, byte[] content) {
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        stream.writeBytes(ascii("<< " + entries + " /Length " + content.length + " >>\nstream\n"));
        stream.writeBytes(content);
        stream.writeBytes(ascii("\nendstream"));
        return stream.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
