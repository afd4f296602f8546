"""
Makes docs/sealed-page.png, the picture of a sealed PDF in the README: `cd tests && python -m pdf.picture ../docs/sealed-page.png`.

Persons, organization and numbers are invented.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import typst
from PIL import Image, ImageDraw

import segl.pdf
from segl.pdf.assembly import SealedContent, SealedDocument, SignatureFile
from segl.pdf.front_page import FrontPageSigner
from segl.values import Level, SignatureType

from .sealed import SEALED_AT, composed, drawn

_DESK = "#C9C2B4"
_AGREEMENT = """
#set page(paper: "a4", margin: 25mm, footer: context [#set text(size: 8pt, fill: luma(40%)); Læreavtale · Sak 2026/1187 #h(1fr) Side #here().page() av 4])
#set text(font: "Inter", size: 10pt, lang: "nb")
#set par(leading: 0.75em, spacing: 1.1em)
#show heading: set block(above: 1.9em, below: 1em)
#set table(stroke: 0.6pt + luma(70%), inset: 7pt, columns: (27%, 1fr), fill: (x, y) => if x == 0 { luma(95%) })
#box(baseline: 9pt, rect(width: 26pt, height: 26pt, radius: 5pt, fill: rgb("#2E7355"), stroke: none, align(center + horizon, text(fill: white, weight: 600, size: 13pt)[H])))
#h(8pt) #text(weight: 600)[Havbris fylkeskommune]
#v(14pt)
#text(size: 19pt, weight: 600)[Læreavtale i elektrikerfaget]

Avtalen gjelder opplæring i bedrift etter opplæringslova kapittel 7. Den er inngått mellom lærlingen og lærebedriften, og blir godkjent av fylkeskommunen.
== 1 Partene
#table([Lærling], [Ingrid Solvang, født 14. mars 2007], [Lærebedrift], [Vestlia Elektro AS, org.nr. 311 330 470], [Faglig leder], [Jonas Myhre], [Arbeidssted], [Verkstedveien 8, 5998 Havbris])
== 2 Læretid
#table([Starter], [4. januar 2027], [Slutter], [3. juli 2029], [Prøvetid], [De første seks månedene], [Arbeidstid], [37,5 timer i uken])
== 3 Lønn
Lønnen følger tariffavtalen i bedriften og regnes som en prosentdel av lønnen til en nyutdannet fagarbeider: 30 % det første halvåret, deretter 40 %, 50 %, 65 % og 80 %.
== 4 Bedriftens plikter
+ Bedriften følger læreplanen og gir lærlingen de oppgavene som hører til faget.
+ Bedriften har en halvårssamtale med lærlingen og skriver ned hva som er avtalt.
+ Bedriften melder lærlingen opp til fagprøven.
"""


def _typeset(source: str) -> bytes:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[Path(segl.pdf.__path__[0]) / "fonts"])
    return typst.compile(source.encode(), font_paths=fonts, timestamp=0)


def example() -> bytes:
    """Return the composed PDF of the picture: two documents, three signers."""
    agreement = _typeset(_AGREEMENT + "\n#pagebreak()\n§ 5\n#pagebreak()\n§ 6\n#pagebreak()\n§ 7")
    plan = _typeset('#set page(paper: "a4")\nPlan\n#pagebreak()\nPlan')
    documents = tuple(
        SealedDocument(number=number, title=title, file_name=f"{title}.pdf", mime="application/pdf", original=content, rendition=content)
        for number, title, content in ((1, "Læreavtale i elektrikerfaget", agreement), (2, "Plan for opplæringen", plan))
    )
    people = (
        ("Ingrid Solvang", "Født 14.03.2007", datetime(2026, 11, 23, 13, 32, 8, tzinfo=UTC), "BankID"),
        ("Jonas Myhre", "Født 22.09.1984", datetime(2026, 11, 25, 7, 11, 47, tzinfo=UTC), "BankID"),
        ("Torbjørn Eide", "Født 30.06.1958", datetime(2026, 11, 25, 9, 40, 3, tzinfo=UTC), "Buypass ID"),
    )
    signers = tuple(
        FrontPageSigner(
            name=name,
            identifier_line=line,
            signed_at=at,
            signature_type=SignatureType.AUTHENTICATED,
            authenticated_at=at - timedelta(seconds=18),
            eid=eid,
            level=Level.HIGH,
        )
        for name, line, at, eid in people
    )
    files = tuple(SignatureFile(file_name=f"signatur-{number}.xml", content=b"<XAdES/>") for number in (1, 2, 3))
    return composed(
        SealedContent(
            job_id="40718265",
            title="Læreavtale i elektrikerfaget",
            sealed_at=SEALED_AT,
            documents=documents,
            signers=signers,
            signer_count=3,
            signature_files=files,
        )
    )


def picture(*, scale: float = 1.25) -> bytes:
    """Return a PNG of the front page and the first page of the agreement side by side, at most 200 KiB."""
    sealed = example()
    pages = [drawn(sealed, number, scale=scale) for number in (1, 2)]
    gap = 24
    desk = Image.new("RGB", (sum(page.width for page in pages) + 3 * gap, pages[0].height + 2 * gap), _DESK)
    left = gap
    for page in pages:
        desk.paste(page, (left, gap))
        ImageDraw.Draw(desk).rectangle((left - 1, gap - 1, left + page.width, gap + page.height), outline="#B9B3A6")
        left += page.width + gap
    target = BytesIO()
    desk.quantize(128, dither=Image.Dither.NONE).save(target, format="PNG", optimize=True)
    return target.getvalue()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(picture())
