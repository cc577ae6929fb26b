"""Search: plait's index beside plain LanceDB, faiss and usearch, on the same vectors.

    python benchmarks/search.py             at most 45 minutes: 100,000 vectors
    python benchmarks/search.py --full      vectors of photos too; 1,000,000 rows, for size, memory
                                            and equal rows (30 minutes more, 8 GB of disk)
    python benchmarks/search.py --rows 5000 a short one, to see that it runs

It needs faiss beside what plait[search] installs: pip install faiss-cpu.

`clustered` are 512 numbers around 1,000 centres, as embeddings of pictures lie; `texts` are
MiniLM's vectors of product titles and photo captions of the development data (384 numbers),
`photos` are MobileNetV2's of product photos (1,280), both repeated with noise. Queries are own
vectors with noise. Each way is built and asked in its own process, one query at a time, 300 of
them, after 20 that warm up; recall@10 is against a plain product. The filter `price < 1` lets 1 %
of the rows pass; usearch has no filters, so 1,500 are fetched and sifted; LanceDB's prices have no
index, one of a tree, or one of bits. A plait query takes in that the newest version is asked for;
what a person waits for, with the query encoded and the rows fetched, is in the rows of text
queries. Peak memory takes in what is mapped and read of files; `MB own` is without it. No row is
begun after 42 minutes; the next run goes on with it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rows import Row, data_folder, in_process, measure, table

WAYS = (
    "plait auto",
    "plait exact",
    "LanceDB flat",
    "LanceDB flat, tree",
    "LanceDB flat, bits",
    "LanceDB IVF-HNSW",
    "LanceDB IVF-HNSW, bits",
    "faiss flat",
    "faiss HNSW",
    "usearch f16",
)
DATA = {"clustered": 512, "texts": 384, "photos": 1280}
"""Vectors, and the numbers in one."""

PHOTOS = 5000
"""That are embedded, at most."""

QUERIES, WARM, K = 300, 20, 10
COLOURS = ("red", "green", "blue", "white", "black", "yellow", "brown")
SHAPES = ("cup", "bowl", "plate", "fork", "spoon", "knife", "glass")
Search = Callable[[np.ndarray, bool], np.ndarray]
"""From a query, and whether the filter holds, to rows."""


def home(rows: int) -> Path:
    """Return the folder of what is made for so many rows."""
    folder = Path(tempfile.gettempdir()) / f"plait-search-{rows}"
    folder.mkdir(exist_ok=True)
    return folder


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, float32."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(rows: int, width: int = 512, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield vectors around 1,000 centres, in parts."""
    centres = np.random.default_rng(99).normal(size=(1000, width)).astype(np.float32)
    random = np.random.default_rng(seed)
    for start in range(0, rows, 8192):
        count = min(8192, rows - start)
        noise = random.normal(size=(count, width)).astype(np.float32)
        yield unit(centres[random.integers(0, 1000, count)] + 0.7 * noise)


def embedded(data: str, rows: int) -> np.ndarray:
    """Return the vectors of frozen networks of so many real texts or photos, or all there are."""
    import pandas as pd

    import plait
    from plait.progress import Progress

    products = pd.read_csv(data_folder() / "products" / "products.csv")
    models = Path(__file__).parents[1] / "build" / "models"
    if data == "photos":
        kind, model = "image", models / "mobilenet_v2"
        cells = products[["photo"]].head(min(rows, PHOTOS))
    else:
        kind, model = "text", models / "all-MiniLM-L6-v2"
        captions = pd.read_csv(data_folder() / "flickr" / "captions.csv")["caption"]
        texts = pd.concat([products["title"], captions]).dropna().drop_duplicates().head(rows)
        cells = texts.to_frame("text")
    (column,) = cells.columns
    found = plait.embed(plait.read(cells, folder=data_folder() / "products"), [f"{kind}={model}"],
                        modalities={column: kind}, progress=Progress(show=False))  # fmt: skip
    return unit(found.columns[column])


def repeated(found: np.ndarray, rows: int) -> np.ndarray:
    """Return vectors repeated with noise of length 0.3, as far as needed."""
    random = np.random.default_rng(0)
    times = -(-rows // len(found))
    spread = 0.3 / np.sqrt(found.shape[1])
    parts = [found + (spread * random.normal(size=found.shape) if n else 0) for n in range(times)]
    return unit(np.concatenate(parts)[:rows])


def vectors_of(data: str, rows: int) -> np.ndarray:
    """Return the vectors, made once."""
    path = home(rows) / f"{data}.npy"
    if not path.exists():
        parts = clustered(rows) if data == "clustered" else [repeated(embedded(data, rows), rows)]
        np.save(path, np.concatenate(list(parts)))
    return np.load(path)


def asked(vectors: np.ndarray) -> np.ndarray:
    """Return the queries: own vectors with noise."""
    random = np.random.default_rng(1)
    own = vectors[random.integers(0, len(vectors), QUERIES + WARM)]
    return unit(own + 0.3 * random.normal(size=own.shape) / np.sqrt(own.shape[1]))


def prices(rows: int) -> np.ndarray:
    """Return a column, of which 1 % is under 1."""
    return np.random.default_rng(2).integers(0, 100, rows).astype(np.float64)


def batches(parts: Iterator[np.ndarray], schema: Any, price: np.ndarray) -> Iterator[Any]:
    """Yield rows as plait writes them, with the vectors given."""
    import pyarrow as pa

    start = 0
    for part in parts:
        numbers = range(start, start + len(part))
        words = [f"{COLOURS[n % 7]} {SHAPES[n // 7 % 7]} w{n % 997}" for n in numbers]
        flat = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), part.shape[1])
        columns = {
            "words": pa.array(words), "price": pa.array(price[start : start + len(part)]),
            "_text": pa.array(words), "_thumbnail": pa.nulls(len(part), pa.binary()),
            "_vector": flat,
        }  # fmt: skip
        yield pa.RecordBatch.from_arrays([columns[f.name] for f in schema], schema=schema)
        start += len(part)


@cache
def learned(width: int) -> Any:
    """Return a space of words and codes whose vectors have some width, made once."""
    import plait
    from plait.progress import Progress
    from plait.spaces.space import AlignConfig
    from plait.tasks.align import AlignTaskConfig

    folder = Path(tempfile.gettempdir()) / f"plait-search-space-{width}"
    if not folder.exists():
        random = np.random.default_rng(0)
        kinds = random.integers(0, 7, (2, 400))
        codes = random.normal(size=(2, 7, 12))
        cells = {
            "words": [f"{COLOURS[c]} {SHAPES[s]}" for c, s in kinds.T],
            "code": [(codes[0, c] + codes[1, s]).tolist() for c, s in kinds.T],
        }
        said = {"words": "text", "code": "vector"}
        plait.align(cells, "words", "code", modalities=said, progress=Progress(show=False),
                    config=AlignConfig(task=AlignTaskConfig(width=width))).save(folder)  # fmt: skip
    return plait.load(folder)


def written(
    uri: str, parts: Iterator[np.ndarray], width: int, price: np.ndarray, engine: Any = "auto"
) -> Any:
    """Write rows with given vectors as `plait index` does, without its encoding."""
    import pyarrow as pa

    from plait.search.facts import Facts
    from plait.search.kept_space import keep
    from plait.search.rows import arrow_schema
    from plait.search.store import Store

    shutil.rmtree(uri, ignore_errors=True)
    columns = {"words": "text", "price": "number"}
    mark = keep(learned(width), uri, "")
    facts = Facts(mark, "code", columns, ("words",), None, None, None, engine, ".", False)
    schema = arrow_schema({"words": pa.string(), "price": pa.float64()}, width, None)
    return Store.create(uri, schema, facts, batches(parts, schema, price))


def parts_of(vectors: np.ndarray) -> Iterator[np.ndarray]:
    """Yield vectors as a table is read."""
    return (vectors[start : start + 8192] for start in range(0, len(vectors), 8192))


def plait_search(vectors: np.ndarray, price: np.ndarray, engine: Any, uri: str) -> Search:
    """Return plait's search, built."""
    from plait.search.index import Index

    store = written(uri, parts_of(vectors), vectors.shape[1], price, engine)
    index = Index(store)

    def search(query: np.ndarray, filtered: bool) -> np.ndarray:
        rows = index.store.rows("price < 1") if filtered else None
        return index.refresh().search(query, K, rows)[0]

    return search


def lance_search(vectors: np.ndarray, price: np.ndarray, way: str, uri: str) -> Search:
    """Return LanceDB's own search, flat or by its own index."""
    import lancedb
    import pyarrow as pa
    from lancedb.index import Bitmap, BTree, HnswSq

    shutil.rmtree(uri, ignore_errors=True)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    whole = price.astype(np.int64)  # an index of bits takes no fractions
    rows = pa.table({"id": np.arange(len(vectors)), "price": whole, "vector": flat})
    kept = lancedb.connect(Path(uri).parent).create_table(Path(uri).stem, rows)
    way, _, looked_up = way.partition(", ")
    if way != "LanceDB flat":
        kept.create_index("vector", config=HnswSq(distance_type="dot"))
    if looked_up:
        kept.create_index("price", config=BTree() if looked_up == "tree" else Bitmap())

    def search(query: np.ndarray, filtered: bool) -> np.ndarray:
        ask = kept.search(query).distance_type("dot").limit(K).select(["id"])
        ask = ask.where("price < 1") if filtered else ask
        if way != "LanceDB flat":
            ask = ask.nprobes(20).ef(200).refine_factor(2)
        return ask.to_arrow()["id"].to_numpy()

    return search


def faiss_search(vectors: np.ndarray, price: np.ndarray, way: str) -> Search:
    """Return faiss's search, exact or by its HNSW."""
    import faiss

    inner = faiss.METRIC_INNER_PRODUCT
    flat = way == "faiss flat"
    index = faiss.IndexFlatIP(vectors.shape[1]) if flat else faiss.IndexHNSWFlat(
        vectors.shape[1], 16, inner)  # fmt: skip
    if not flat:
        index.hnsw.efConstruction, index.hnsw.efSearch = 128, 64
    index.add(vectors)
    passing = np.flatnonzero(price < 1).astype(np.int64)
    chosen = faiss.IDSelectorBatch(passing)
    some = faiss.SearchParameters(sel=chosen) if flat else faiss.SearchParametersHNSW(
        sel=chosen, efSearch=64)  # fmt: skip

    def search(query: np.ndarray, filtered: bool) -> np.ndarray:
        return index.search(query[None], K, params=some if filtered else None)[1][0]

    return search


def usearch_search(vectors: np.ndarray, price: np.ndarray) -> Search:
    """Return usearch's search in half precision."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=16,
                  expansion_add=128, expansion_search=64)  # fmt: skip
    index.add(np.arange(len(vectors)), vectors)

    def search(query: np.ndarray, filtered: bool) -> np.ndarray:
        keys = index.search(query, 150 * K if filtered else K).keys.astype(np.int64)
        return keys[price[keys] < 1][:K] if filtered else keys

    return search


def timed(run: Callable[[Any], Any], arguments: Any) -> tuple[dict[str, float], list[Any]]:
    """Return the median and the 99th percentile in milliseconds, and what was found."""
    taken, found = [], []
    for argument in arguments:
        start = time.perf_counter()
        found.append(run(argument))
        taken.append(1000 * (time.perf_counter() - start))
    taken, found = taken[WARM:], found[WARM:]
    return {"p50 ms": float(np.median(taken)), "p99 ms": float(np.percentile(taken, 99))}, found


def engine_step(data: str, way: str, rows: int) -> Row:
    """Build one way, ask it, and compare it with a plain product."""
    vectors = vectors_of(data, rows)
    queries, price = asked(vectors), prices(rows)
    learned(vectors.shape[1])  # not a part of building
    uri = str(home(rows) / f"{data}-{way.replace(', ', '-').replace(' ', '-')}.lance")
    start = time.perf_counter()
    match way.split()[0]:
        case "plait":
            search = plait_search(vectors, price, way.split()[1], uri)
        case "LanceDB":
            search = lance_search(vectors, price, way, uri)
        case "faiss":
            search = faiss_search(vectors, price, way)
        case _:
            search = usearch_search(vectors, price)
    made: Row = {"build s": time.perf_counter() - start}
    passing = np.flatnonzero(price < 1)
    for filtered in (False, True):
        ms, found = timed(lambda query, on=filtered: search(query, on), queries)
        own = passing if filtered else np.arange(rows)
        scores = queries[WARM:] @ vectors[own].T
        true = own[np.argpartition(-scores, K, axis=1)[:, :K]]
        recall = [len(set(a) & set(b)) / K for a, b in zip(true, found, strict=True)]
        name = "1 % " if filtered else ""
        made |= {f"{name}{key}": value for key, value in ms.items()}
        made[f"{name}recall@10"] = float(np.mean(recall))
    return made


def text_step(mode: str, rows: int) -> Row:
    """Ask in words, from their encoding to the rows' cells."""
    from plait.search.index import Index
    from plait.search.store import Store

    uri = str(home(rows) / "text.lance")
    if not Path(uri).exists():
        written(uri, clustered(rows), 512, prices(rows))
    index = Index(Store.open(uri))
    texts = [f"{COLOURS[n % 7]} {SHAPES[n % 5]} w{n % 331}" for n in range(QUERIES + WARM)]
    return timed(lambda words: index.search(words, mode=mode), texts)[0]


def open_step(rows: int) -> Row:
    """Open an index that no one has open, and ask it once; imports are not counted."""
    import lancedb  # noqa: F401
    import usearch.index  # noqa: F401

    import plait
    from plait.progress import Progress

    uri = home(rows) / "text.lance"
    learned(512).vectors({"words": ["red cup"]}, "words")  # the encoders' own imports
    Progress(show=False)
    start = time.perf_counter()
    index = plait.load(uri)
    opened = time.perf_counter() - start
    index.search("red cup")
    return {"open s": opened, "first answer s": time.perf_counter() - start}


def peak() -> float:
    """Return the most megabytes that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def own_memory() -> float:
    """Return the megabytes that this process has now, without what it has mapped of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def growth_step(rows: int) -> Row:
    """Write rows that are never in memory together; then build what stands beside them."""
    from plait.search.index import Index

    uri = str(home(rows) / "growth.lance")
    space = learned(512)
    space.vectors({"words": ["red cup"]}, "words")
    before, start = peak(), time.perf_counter()
    store = written(uri, clustered(rows), 512, prices(rows))
    write, after = time.perf_counter() - start, peak()
    index = Index(store, space)
    measured = index.measured
    size = subprocess.run(["du", "-sm", uri], capture_output=True, text=True, check=True).stdout
    return {
        "written rows/s": rows / write, "MB before": before, "MB written": after,
        "engine": measured.engine, "engine s": measured.seconds, "recall@10": measured.recall,
        "MB engine": peak(), "disk MB": int(size.split()[0]),
    }  # fmt: skip


def grown_step(rows: int) -> Row:
    """Ask what `growth` wrote, in a process that did not write it."""
    import plait

    space = learned(512)
    space.vectors({"words": ["red cup"]}, "words")
    before = peak()
    index = plait.load(home(rows) / "growth.lance")
    queries = asked(np.concatenate(list(clustered(min(rows, 8192)))))
    ms, _ = timed(lambda query: index.refresh().search(query, K), queries)
    filtered, _ = timed(
        lambda query: index.refresh().search(query, K, index.store.rows("price < 1")), queries
    )
    return {"MB before": before, **ms, **{f"1 % {name}": one for name, one in filtered.items()},
            "MB query": peak(), "MB own": own_memory()}  # fmt: skip


def index_step(rows: int) -> Row:
    """Index rows from their cells, encoding and all."""
    import plait
    from plait.progress import Progress

    space = learned(512)
    random = np.random.default_rng(3)
    cells = {
        "words": [f"{COLOURS[n % 7]} {SHAPES[n // 7 % 7]} w{n % 997}" for n in range(rows)],
        "code": random.normal(size=(rows, 12)).tolist(),
    }
    uri = home(rows) / "cells.lance"
    shutil.rmtree(uri, ignore_errors=True)
    start = time.perf_counter()
    plait.index(space, cells, uri, group="code", progress=Progress(show=False))
    return {"rows/s": rows / (time.perf_counter() - start), "peak MB": peak()}


def equal_step(rows: int) -> Row:
    """Index rows that are all the same, and ask for them."""
    from plait.search.index import Index

    one = next(clustered(1))
    parts = (np.repeat(one, min(8192, rows - n), axis=0) for n in range(0, rows, 8192))
    uri = str(home(rows) / "equal.lance")
    start = time.perf_counter()
    index = Index(written(uri, parts, 512, prices(rows)))
    made = {"build s": time.perf_counter() - start, "different": index.measured.different}
    ms, found = timed(lambda _: index.refresh().search(one[0], 100), range(WARM + 20))
    assert all(len(set(rows_found.tolist())) == 100 for rows_found, _ in found)
    start = time.perf_counter()
    assert len(index.duplicates()[0]) == rows
    return made | ms | {"duplicates s": time.perf_counter() - start, "peak MB": peak()}


STEPS: dict[str, Callable[..., Row]] = {
    "engine": engine_step, "text": text_step, "open": open_step, "growth": growth_step,
    "grown": grown_step, "index": index_step, "equal": equal_step,
}  # fmt: skip


def run(key: Row) -> Row:
    """Measure one row in a process of its own."""
    inner = [key[name] for name in ("data", "way", "mode") if name in key]
    return in_process(__file__, "--step", key["step"], *inner, key["rows"])


def main() -> None:
    """Measure, and print a table for each question."""
    os.environ["LANCEDB_LOG"] = "error"  # it warns at every query
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", nargs="+")
    arguments = parser.parse_args()
    if arguments.step:
        name, *rest, count = arguments.step
        print(json.dumps(STEPS[name](*rest, int(count))))
        return
    rows = arguments.rows
    sizes = sorted({min(10_000, rows), rows, *([1_000_000] if arguments.full else [])})
    large = sizes[-1] if arguments.full else rows
    data = list(DATA) if arguments.full else ["clustered", "texts"]
    for name in data:
        learned(DATA[name])
    keys: list[Row] = [
        {"step": "engine", "data": name, "way": way, "rows": rows} for name in data for way in WAYS
    ]  # fmt: skip
    keys += [{"step": "text", "mode": mode, "rows": rows} for mode in ("hybrid", "vector", "text")]
    keys += [{"step": "open", "rows": rows}, {"step": "index", "rows": sizes[0]}]
    keys += [{"step": step, "rows": size} for size in sizes for step in ("growth", "grown")]
    keys += [{"step": "equal", "rows": large}]
    done = measure("search", keys, run, budget=42 * 60)
    for step in STEPS:
        own = [row for row in done if row["step"] == step]
        if own:
            print()
            table(own, list(dict.fromkeys(name for row in own for name in row)))


if __name__ == "__main__":
    sys.exit(main())
