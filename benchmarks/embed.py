"""Files to vectors: `plait embed` beside a plain transformers loop, in one run.

    python benchmarks/embed.py            about 30 minutes: 4,000 photos and 10,000 captions once
    python benchmarks/embed.py --full     five runs

Photos go through CLIP ViT-B/32, captions through its tower of texts and through a MiniLM of six
layers, all of true size with random weights: only speed is measured here. The photos are Flickr's,
each four times: as it is, mirrored, upside down, and both, so that no two files are alike. The loop
is what a person writes: open a file with Pillow, the model's own processor, batches of 32 without
gradients; captions padded to the longest of their batch. plait reads, prepares, compiles, for int8
calibrates, and computes; its seconds hold all of it. `int8, next table` finds in the cache what 500
other rows were calibrated to, and no vectors. Each is in a process of its own, so that
imports count for both. The peak of memory is the process's own; it is taken of 1,000 and of 100,000
captions too. No row is begun after 40 minutes; the next run goes on with it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rows import Row, data_folder, in_process, measure, table

WAYS = {
    "loop": {},
    "plait float32": {"precision": "float32", "cache": False},
    "plait bfloat16": {"precision": "bfloat16", "cache": False},
    "plait bfloat16, cache": {"precision": "bfloat16", "cache": True},
    "plait int8": {"precision": "int8", "cache": False},
    "plait int8, next table": {"precision": "int8", "cache": True},
    "plait auto, first run": {"precision": "auto", "cache": True},
    "plait auto, second run": {"precision": "auto", "cache": True},
}

FIRST = "plait auto, first run"
NEXT = "plait int8, next table"
BEGINS = (FIRST, NEXT, "plait bfloat16, cache")
"""Ways that find an empty cache, or one of another table."""

BEFORE = 500
"""Rows of that table."""

NETWORKS = {"image": "clip", "caption": "clip", "text": "minilm"}
"""What reads photos, and captions twice."""

MEMORY = (1_000, 100_000)
"""Captions, of which the peak of memory must not depend."""


def models() -> Path:
    """Return a folder with both networks, made once."""
    home = Path(tempfile.gettempdir()) / "plait-embed-models"
    if not (home / "minilm").exists():
        from transformers import (
            BertConfig,
            BertModel,
            CLIPConfig,
            CLIPImageProcessorPil,
            CLIPModel,
        )  # fmt: skip

        CLIPModel(CLIPConfig()).save_pretrained(home / "clip")
        CLIPImageProcessorPil().save_pretrained(home / "clip")
        config = BertConfig(
            hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
        )
        BertModel(config).save_pretrained(home / "partial")
        tokenizer = Path(__file__).parents[1] / "build" / "models" / "all-MiniLM-L6-v2"
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            for folder in ("partial", "clip"):  # of CLIP, for its speed in training
                (home / folder / name).write_bytes((tokenizer / name).read_bytes())
        (home / "partial").rename(home / "minilm")
    return home


def photos() -> Path:
    """Return a folder of four photos for each of Flickr's, made once."""
    from PIL import Image, ImageOps

    home = Path(tempfile.gettempdir()) / "plait-embed-photos"
    if not home.exists():
        partial = Path(tempfile.mkdtemp())
        for path in sorted((data_folder() / "flickr" / "photos").iterdir()):
            photo = Image.open(path).convert("RGB")
            for number, turned in enumerate((photo, ImageOps.flip(photo))):
                for side, own in enumerate((turned, ImageOps.mirror(turned))):
                    own.save(partial / f"{path.stem}-{number}{side}.jpg", quality=90)
        partial.rename(home)
    return home


def cells(kind: str, rows: int) -> list[str]:
    """Return names of photos, or captions."""
    import pandas as pd

    home = data_folder() / "flickr"
    if kind == "image":
        return sorted(str(path) for path in photos().iterdir())[:rows]
    frame = pd.read_csv(home / "captions.csv")
    column = next(name for name in frame if "caption" in name)
    texts = frame[column].astype(str).tolist()
    return [f"{texts[n % len(texts)]} {n // len(texts) or ''}".strip() for n in range(rows)]


def other_cells(kind: str) -> list[str]:
    """Return names of other photos, or other captions."""
    if kind == "image":
        photos = sorted((data_folder() / "products" / "photos").iterdir())
        return [str(path) for path in photos[:BEFORE]]
    return [f"before: {text}" for text in cells(kind, BEFORE)]


def loop(kind: str, rows: int) -> None:
    """Embed as a person would by hand."""
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    own = cells(kind, rows)
    folder = models() / NETWORKS[kind]
    model = AutoModel.from_pretrained(folder).eval()
    reads = AutoImageProcessor if kind == "image" else AutoTokenizer
    prepare = reads.from_pretrained(folder, **({"backend": "pil"} if kind == "image" else {}))
    with torch.no_grad():
        for start in range(0, rows, 32):
            batch = own[start : start + 32]
            if kind == "image":
                pictures = [Image.open(name).convert("RGB") for name in batch]
                model.get_image_features(**prepare(pictures, return_tensors="pt"))
            else:
                inputs = prepare(batch, padding=True, truncation=True, return_tensors="pt")
                if kind == "caption":
                    inputs.pop("token_type_ids", None)
                    model.get_text_features(**inputs)
                    continue
                hidden, mask = model(**inputs).last_hidden_state, inputs["attention_mask"]
                (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def plait_embed(kind: str, own: list[str], way: str) -> None:
    """Embed with plait."""
    from dataclasses import replace

    import plait.vectors
    from plait.encoders.config import EncoderConfig, choose_encoders
    from plait.progress import Progress

    modality = "image" if kind == "image" else "text"
    config = EncoderConfig()
    pretrained = replace(config.pretrained, **WAYS[way])
    config = choose_encoders(
        [f"{modality}={models() / NETWORKS[kind]}"], replace(config, pretrained=pretrained)
    )
    found = plait.vectors.embed(
        plait.read({"it": own}, allow_outside=True),
        modalities={"it": modality}, config=config, progress=Progress(show=False),
    )  # fmt: skip
    assert np.isfinite(found.columns["it"]).all()


def run(key: Row) -> Row:
    """Time one way, in a process of its own."""
    cache = Path(tempfile.gettempdir()) / f"plait-embed-cache-{key['kind']}-{key['run']}"
    os.environ["PLAIT_CACHE"] = str(cache)
    if key["way"] in BEGINS:
        shutil.rmtree(cache, ignore_errors=True)
    if key["way"] == NEXT:
        in_process(__file__, "--step", key["kind"], 0, NEXT)
    return in_process(__file__, "--step", key["kind"], key["rows"], key["way"])


def main() -> None:
    """Measure, and print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--step", nargs=3)
    arguments = parser.parse_args()
    if arguments.step:
        kind, rows, way = arguments.step
        start = time.perf_counter()
        if way == "loop":
            loop(kind, int(rows))
        else:
            plait_embed(kind, cells(kind, int(rows)) if int(rows) else other_cells(kind), way)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - start, "megabytes": peak}))
        return
    models()
    photos()
    sizes = {"image": 4000, "caption": 10000, "text": 10000}
    keys = [
        {"kind": kind, "rows": rows, "run": number, "way": way}
        for number in range(5 if arguments.full else 1)
        for kind, rows in sizes.items() for way in WAYS
    ]  # fmt: skip
    keys += [{"kind": "text", "rows": rows, "run": 0, "way": FIRST} for rows in MEMORY]
    rows = measure("embed", keys, run, budget=40 * 60)
    lines = []
    for kind, way in ((kind, way) for kind in sizes for way in WAYS):
        done = [row for row in rows if (row["kind"], row["rows"]) == (kind, sizes[kind])]
        own = {row["run"]: row for row in done if row["way"] == way}
        base = {row["run"]: row["seconds"] for row in done if row["way"] == "loop"}
        ratios = [base[number] / row["seconds"] for number, row in own.items()]
        if ratios:
            seconds = float(np.median([row["seconds"] for row in own.values()]))
            lines.append({
                "kind": kind, "way": way, "values a second": sizes[kind] / seconds,
                "times the loop": float(np.median(ratios)),
                "range": f"{min(ratios):.2f} to {max(ratios):.2f}",
                "peak MB": max(row["megabytes"] for row in own.values()),
            })  # fmt: skip
    table(lines, ["kind", "way", "values a second", "times the loop", "range", "peak MB"])
    peaks = [row for row in rows if row["rows"] in MEMORY and row["way"] == FIRST]
    table(
        [{**row, "peak MB": row["megabytes"]} for row in peaks if row["kind"] == "text"],
        ["kind", "rows", "way", "seconds", "peak MB"],
    )


if __name__ == "__main__":
    sys.exit(main())
