"""Drawn pictures as files that say where they come from, and what files say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from plait.data.image import Picture, read_pictures
from plait.errors import CellError, TableError
from plait.provenance.statement import CREATED, EDITED, Statement, read_manifest, to_manifest
from plait.provenance.watermark import Detection, detect
from plait.writing import replacing

MANIFEST, XMP = "c2pa", "XML:com.adobe.xmp"
"""Keys of a PNG's texts."""


def write_png(picture: Picture, path: Path, statement: Statement | None) -> None:
    """Write a picture, and what is said of it as PNG text: a manifest, and IPTC's word in XMP.

    Args:
        picture: (h w 3) uint8.
        path: of the file, which is renamed into its place.
        statement: None says nothing.
    """
    texts = PngInfo()
    if statement is not None:
        texts.add_text("Software", statement.generator)
        texts.add_itxt(MANIFEST, json.dumps(to_manifest(statement), ensure_ascii=False))
        texts.add_itxt(XMP, _xmp(EDITED if statement.edited else CREATED))
    with replacing(path) as partial:
        Image.fromarray(picture).save(partial, "PNG", pnginfo=texts)


def _xmp(source: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(source)}/></rdf:RDF></x:xmpmeta>"
    )


@dataclass(frozen=True)
class Inspection:
    """What a file says, and what its pixels show."""

    path: str
    statement: Statement | None
    watermark: Detection


def inspect(path: Path) -> Inspection:
    """Return where a picture says it comes from, and whether it has the watermark.

    Raises:
        TableError: when it is no picture that can be read.
    """
    try:
        (picture,) = read_pictures(str(path.absolute()), allow_outside=True)
        with Image.open(path) as file:
            text = getattr(file, "text", {}).get(MANIFEST)
    except (CellError, OSError) as error:
        raise TableError(f"{str(path)!r} cannot be looked at: {error}") from error
    return Inspection(str(path), None if text is None else read_manifest(text), detect(picture))
