"""Make again the values that the tests of caption metrics compare with. Needs Java.

    pip install pycocoevalcap && python scripts/reference_captions.py

The texts stay as they are in tests/metrics; what Stanford CoreNLP 3.4.1, METEOR 1.5 and the
scorers of pycocoevalcap 1.2 say about them is written beside them. CIDEr without clipping is the
same scorer with the two lines changed that tell CIDEr from CIDEr-D in its authors' own code.
"""

from __future__ import annotations

import gzip
import inspect
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider import cider_scorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer import ptbtokenizer

TESTS = Path(__file__).parents[1] / "tests" / "metrics"
JAR = Path(ptbtokenizer.__file__).parent / ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR


def tokens(texts: Sequence[str]) -> list[str]:
    """Return the tokens of each text, each between two lines that cannot change them."""
    command = ["java", "-cp", str(JAR), "edu.stanford.nlp.process.PTBTokenizer"]
    command += ["-preserveLines", "-lowerCase"]
    lines = "\n".join(f"x\n{text}" for text in texts) + "\nx\n"
    run = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    found = run.stdout.split("\n")[1:-1:2]
    marks = set(ptbtokenizer.PUNCTUATIONS)
    return [" ".join(word for word in line.split() if word not in marks) for line in found]


def plain_cider() -> type:
    """Return the scorer of CIDEr as its paper's section 4 has it."""
    code = inspect.getsource(cider_scorer)
    for old, new in (
        ("min(vec_hyp[n][ngram], vec_ref[n][ngram]) *", "vec_hyp[n][ngram] *"),
        ("val[n] *= np.e**(-(delta**2)/(2*self.sigma**2))", "pass"),
    ):
        assert code.count(old) == 1
        code = code.replace(old, new)
    names: dict[str, type] = {}
    exec(code, names)
    return names["CiderScorer"]


def scores(candidates: list[str], references: list[list[str]]) -> dict[str, object]:
    """Return each score of all rows and of each row."""
    written = {row: [text] for row, text in enumerate(candidates)}
    right = dict(enumerate(references))
    found = dict(zip(("rouge_l", "cider", "meteor"), (
        scorer.compute_score(right, written) for scorer in (Rouge(), Cider(), Meteor())
    ), strict=True))  # fmt: skip
    for length, value in enumerate(zip(*Bleu(4).compute_score(right, written, 0), strict=True)):
        found[f"bleu_{length + 1}"] = value
    scorer = plain_cider()(n=4)
    for row, text in enumerate(candidates):
        scorer += (text, references[row])
    found["cider_plain"] = scorer.compute_score()
    return {
        name: {"all": float(a), "rows": [*map(float, rows)]} for name, (a, rows) in found.items()
    }


def main() -> None:
    """Write both files anew."""
    path = TESTS / "reference_tokens.tsv"
    texts = [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [f"{text}\t{line}\n" for text, line in zip(texts, tokens(texts), strict=True)]
    path.write_text("".join(lines), encoding="utf-8")

    path = TESTS / "reference_captions.json.gz"
    kept = json.loads(gzip.decompress(path.read_bytes()))
    candidates = tokens([row["candidate"] for row in kept["captions"]])
    references = [tokens(row["references"]) for row in kept["captions"]]
    kept["scores"] = scores(candidates, references)
    path.write_bytes(gzip.compress(json.dumps(kept, ensure_ascii=False).encode(), mtime=0))


if __name__ == "__main__":
    main()
