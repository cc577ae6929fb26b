"""Make the bundled emoji data set: `python scripts/make_emoji.py`.

Needs npm, pyarrow and Pillow, and takes about five minutes, most of them for packing pictures.
The rules by which emoji form families are the tables and functions below, in the order of use.
"""

import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

TARGET = Path(__file__).parents[1] / "src/plait/bundled/emoji/emoji.parquet"

VENDORS = ("google", "twitter")
TEXTS = (
    *("emoji", "code", "name", "name_zh", "name_de", "name_es", "keywords", "keywords_zh"),
    *("group", "subgroup", "family", "split"),
)
SIDE = 64  # the vendors' own size here: resizing adds colours, so even 48 px takes as many bytes
SEED = "plait-emoji-1"
TEST_SHARE = 0.3  # of each group; flags give next to nothing, so this is a quarter of all emoji
LARGEST_IN_TEST = 12

CREDITS = (
    "Google pictures: Noto Emoji 2.048, Copyright Google LLC, Apache-2.0. "
    "Twitter pictures: Twemoji 16.0.1, Copyright 2020 Twitter, Inc and other contributors, "
    "CC-BY 4.0. Names and keywords: emojibase-data 17.0.0, Copyright 2017-2019 Miles Johnson, MIT. "
    "See LICENSES.md."
)


class Package(NamedTuple):
    """One npm package, pinned to exact bytes."""

    name: str
    version: str
    sha256: str


GOOGLE = Package(
    "emoji-datasource-google",
    "16.0.0",
    "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
)
TWITTER = Package(
    "emoji-datasource-twitter",
    "16.0.0",
    "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
)
NAMES = Package(
    "emojibase-data",
    "17.0.0",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
)

# --- Families: rule 1, subgroups that are one drawing with a slot ------------------------------
SUBGROUPS = {
    "country-flag": "flag",
    "subdivision-flag": "flag",
    "keycap": "keycap",
    "arrow": "arrow",
    "heart": "heart",
    "cat-face": "cat",
    "monkey-face": "monkey",
}

# --- Families: rule 2, names that differ in one slot, or two names for one thing ---------------
TEMPLATES = {
    "face with horns": r".*face with horns",
    "face with tongue": r".*face with tongue",
    "face with hand over mouth": r"face with .*hand over mouth",
    "grinning face": r"grinning .*face.*",
    "speech bubble": r".*bubble|speech balloon|thought balloon",
    "pointing hand": r".*index pointing .*",
    "raised hand": r"raised .*hand|hand with fingers splayed",
    "sideways hand": r"(left|right)wards .*hand",
    "palm": r"palm (up|down) hand",
    "thumb": r"thumbs (up|down)",
    "fist": r".* fist",
    "bust": r"busts? in silhouette",
    "frowning": r"(person|man|woman) (frowning|pouting)",  # one drawing in Twemoji
    "royalty": r"prince|princess|person with crown",
    "feeding": r".*feeding.*",
    "Claus": r".* Claus",
    "merperson": r"mer(man|maid|person)",
    "child": r"baby|child|boy|girl",
    "old": r"old(er)? (person|man|woman)",
    "in wheelchair": r".* in (manual|motorized) wheelchair.*",
    "wheelchair": r"(manual|motorized) wheelchair",
    "holding hands": r".*holding hands",
    "chick": r".*chick",
    "camel": r".*camel",
    "whale": r".*whale",
    "nest": r".*\bnest\b.*",
    "globe": r"globe .*",
    "mountain": r"(snow-capped )?mountain",
    "house": r"(derelict )?house(s| with garden)?",
    "airplane": r".*airplane.*",
    "traffic light": r".* traffic light",
    "hourglass": r"hourglass .*",
    "clock face": r".*(o.clock|-thirty)",
    "moon": r".*\bmoon( face)?",
    "cloud": r"(sun behind .*)?cloud.*",
    "star": r"(glowing )?star",
    "six-pointed star": r"star of David|dotted six-pointed star",
    "beer mug": r".*beer mugs?",
    "medal": r".* medal",
    "suit": r".* suit",
    "speaker": r"(muted )?speaker.*",
    "musical note": r"musical notes?",
    "disk": r"optical disk|dvd",
    "magnifying glass": r"magnifying glass .*",
    "book": r".*\bbooks?",
    "banknote": r".* banknote",
    "chart": r"chart .*",
    "envelope": r"e-mail|.*envelope.*",
    "tray": r"(in|out)box tray",
    "mailbox": r".* mailbox .*",
    "calendar": r".*calendar",
    "pushpin": r"(round )?pushpin",
    "paperclip": r".*paperclips?",
    "ruler": r".* ruler",
    "lock": r"(un)?locked.*",
    "toilet sign": r"(wo)?men.s room",
    "no sign": r"no .*|non-.*|prohibited",
    "waving flag": r"(white|black|rainbow|transgender|pirate) flag",
    "gender sign": r"(fe)?male sign",
    "punctuation mark": r".* (exclamation|question) mark",
    "check mark": r"check .*",
    "cross mark": r"cross mark.*",
    "curly loop": r".*curly loop",
    "triangle": r".* triangle pointed .*",
    "Japanese button": r"Japanese “.*” button",
    "letter button": r"[A-Z!]+ button.*|input .*",
    "square button": r".* square button",
    "media button": r".*(?<!radio) button",
}

# --- Families: rule 4, words that may be left out ------------------------------------------------
COLOURS = "red orange yellow green blue purple brown black white"
SIZES = "small medium-small medium large"
STATES = "oncoming open closed low hollow slightly"
SLOTS = {*COLOURS.split(), *SIZES.split(), *STATES.split()}

PERSON = re.compile(r"\b(person|man|woman|people|men|women)\b ?")
ADDITION = re.compile(r" (with|without|on|over) .*")

Record = dict[str, Any]


def family(name: str, subgroup: str, names: set[str]) -> str:
    """Name the family of an emoji: all emoji that show the same thing, up to one detail."""
    if subgroup in SUBGROUPS:
        return SUBGROUPS[subgroup]
    for template, pattern in TEMPLATES.items():
        if re.fullmatch(pattern, name):
            return template
    head = name.split(":")[0]  # 'kiss: man, man', 'person running: facing right'
    if subgroup == "family" or subgroup.startswith("person"):
        return PERSON.sub("", head).strip() or "person"  # rule 3: 'woman judge' is 'judge'
    return plain(head, names)


def plain(name: str, names: set[str]) -> str:
    """Reduce a name to the emoji it varies: 'umbrella on ground', 'dog face', 'red apple'."""
    shorter = ADDITION.sub("", name)
    name = shorter if shorter in names else name
    shorter = name.removesuffix(" face")
    name = shorter if shorter in names else name
    return " ".join(word for word in name.split() if word not in SLOTS)


def download(package: Package, folder: Path) -> Path:
    """Fetch a package's archive with npm and check that its bytes are the pinned ones."""
    spec = f"{package.name}@{package.version}"
    subprocess.run(
        ["npm", "pack", spec, "--silent", "--pack-destination", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    archive = folder / f"{package.name}-{package.version}.tgz"
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SystemExit(f"{spec}: sha256 is {found}, expected {package.sha256}")
    return archive


def read(archive: Path, pattern: str) -> dict[str, bytes]:
    """Read the archive's files whose path inside the package matches, in one pass."""
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            path = member.name.removeprefix("package/")
            if re.fullmatch(pattern, path) and (file := tar.extractfile(member)):
                files[path] = file.read()
    return files


def webp(png: bytes) -> bytes:
    """Encode a picture again as lossless WebP with transparency."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    if picture.size != (SIDE, SIDE):
        raise SystemExit(f"a picture is {picture.size}, expected {SIDE} x {SIDE}")
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, quality=100, method=6, exact=False)
    return buffer.getvalue()


def bare(code: str) -> str:
    """Drop the variation selectors, which the packages do not set alike."""
    return code.replace("-FE0F", "")


def drawn(sources: dict[str, Path]) -> dict[str, Record]:
    """List the emoji that every vendor draws, by bare code, with their PNG bytes."""
    entries: dict[str, Record] = {}
    for vendor, archive in sources.items():
        files = read(archive, rf"emoji\.json|img/{vendor}/{SIDE}/.*\.png")
        for entry in json.loads(files["emoji.json"]):
            if entry[f"has_img_{vendor}"]:
                found = entries.setdefault(bare(entry["unified"]), {"code": entry["unified"]})
                found[vendor] = files[f"img/{vendor}/{SIDE}/{entry['image']}"]
    return {code: entry for code, entry in entries.items() if sources.keys() <= entry.keys()}


def described(archive: Path) -> list[Record]:
    """List emojibase's emoji in Unicode order with names, keywords and readable groups."""
    files = {path: json.loads(data) for path, data in read(archive, r".*\.json").items()}
    groups, subgroups = (files["meta/groups.json"][key] for key in ("groups", "subgroups"))
    messages = {one["key"]: one["message"] for one in files["en/messages.json"]["groups"]}
    languages = {
        language: {entry["hexcode"]: entry for entry in files[f"{language}/data.json"]}
        for language in ("zh", "de", "es")
    }
    return [
        {
            "code": entry["hexcode"],
            "name": entry["label"],
            **{f"name_{key}": one[entry["hexcode"]]["label"] for key, one in languages.items()},
            "keywords": "|".join(entry["tags"]),
            "keywords_zh": "|".join(languages["zh"][entry["hexcode"]]["tags"]),
            "group": messages[groups[str(entry["group"])]],
            "subgroup": subgroups[str(entry["subgroup"])],
        }
        for entry in sorted(files["en/data.json"], key=lambda entry: entry.get("order", 0))
        if groups.get(str(entry.get("group")), "component") != "component"
    ]


def merged(pictures: dict[str, Record], descriptions: list[Record]) -> list[Record]:
    """Join pictures and descriptions, in the order of the descriptions."""
    rows = []
    for description in descriptions:
        if picture := pictures.get(bare(description["code"])):
            code = picture["code"]  # the fully qualified sequence, as keyboards write it
            text = "".join(chr(int(point, 16)) for point in code.split("-"))
            rows.append({**description, **picture, "emoji": text})
    return rows


def choose_test(rows: list[Record]) -> set[str]:
    """Choose the families of the test split: whole ones, of every group about the same share."""
    families: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        families[row["family"]].append(row)
    small: dict[str, dict[str, int]] = defaultdict(dict)  # by the group of the first member
    for name, members in families.items():
        if len(members) <= LARGEST_IN_TEST:
            small[members[0]["group"]][name] = len(members)
    totals = Counter(row["group"] for row in rows)
    chosen: set[str] = set()
    for group, sizes in small.items():
        # A group of few small families keeps half of them in train.
        quota = min(TEST_SHARE * totals[group], sum(sizes.values()) / 2)
        chosen |= fill(sizes, quota)
    return chosen


def fill(sizes: dict[str, int], quota: float) -> set[str]:
    """Take families in a seeded order, as many as fit the quota of emoji."""
    # Hashing rather than shuffling: a new emoji leaves the order of the others as it is.
    chosen: set[str] = set()
    for name in sorted(sizes, key=lambda name: hashlib.sha256(f"{SEED} {name}".encode()).digest()):
        if sizes[name] <= quota:
            quota -= sizes[name]
            chosen.add(name)
    return chosen


def add_splits(rows: list[Record]) -> None:
    """Give every row its family, and its split by family."""
    names = {row["name"] for row in rows}
    for row in rows:
        row["family"] = family(row["name"], row["subgroup"], names)
    test = choose_test(rows)
    for row in rows:
        row["split"] = "test" if row["family"] in test else "train"


def write(rows: Iterable[Record], target: Path) -> None:
    """Write the rows as Parquet, so that a stopped run leaves no half file."""
    fields = [pa.field(name, pa.string(), nullable=False) for name in TEXTS]
    fields += [pa.field(name, pa.binary(), nullable=False) for name in VENDORS]
    schema = pa.schema(fields, metadata={"side": str(SIDE), "credits": CREDITS})
    table = pa.Table.from_pylist([{key: row[key] for key in schema.names} for row in rows], schema)
    unfinished = target.with_suffix(".unfinished")
    pq.write_table(
        table,
        unfinished,
        compression="zstd",
        use_dictionary=["group", "subgroup", "family", "split"],
        write_statistics=False,  # of pictures they would only take space
    )
    unfinished.replace(target)


def counts(rows: Iterable[Record]) -> str:
    """Tabulate the rows by group and split, as the data card shows them."""
    cells: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for group in (row["group"], "all"):
            cells[group].update(["emoji", row["split"]])
    order = [group for group in cells if group != "all"] + ["all"]
    lines = ["| group | emoji | train | test |", "| --- | ---: | ---: | ---: |"]
    for group in order:
        cell = cells[group]
        lines.append(f"| {group} | {cell['emoji']} | {cell['train']} | {cell['test']} |")
    return "\n".join(lines)


def main() -> None:
    """Download the packages, build the rows and write the file."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        google, twitter, names = (download(one, folder) for one in (GOOGLE, TWITTER, NAMES))
        rows = merged(drawn({"google": google, "twitter": twitter}), described(names))
    add_splits(rows)
    for row in rows:
        row.update({vendor: webp(row[vendor]) for vendor in VENDORS})
    write(rows, TARGET)
    print(counts(rows))
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
