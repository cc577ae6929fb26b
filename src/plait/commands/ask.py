"""`plait ask` and `plait caption`: texts from a model that writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import Outside, Overwrite, show, show_json

if TYPE_CHECKING:
    from plait.constraints import Constraint
    from plait.decoding.config import DecodingConfig
    from plait.writer.writer import Writer

WriterArgument = Annotated[
    Path, typer.Argument(help="A model that `plait fit --target COLUMN:text` wrote.")
]
Beams = Annotated[int | None, typer.Option(min=1, help="Look for the best text with so many.")]
Temperature = Annotated[
    float | None, typer.Option(help="Draw the text, the more freely the higher.")
]
TopP = Annotated[float | None, typer.Option(help="Probability of the tokens that are drawn from.")]
Longest = Annotated[int | None, typer.Option(min=1, help="Most tokens of a text.")]
Candidates = Annotated[int, typer.Option(min=1, help="Texts of a row.")]
OneOf = Annotated[str | None, typer.Option(help="Answers that are allowed, with commas.")]
Regex = Annotated[str | None, typer.Option(help="That the text must match as a whole.")]
JsonSchema = Annotated[Path | None, typer.Option(help="File of a JSON schema to be kept to.")]


def ask(
    model: WriterArgument,
    given: Annotated[
        list[str], typer.Argument(help="Files and texts, or COLUMN=VALUE, of one row.")
    ],
    error_rate: Annotated[
        float | None,
        typer.Option(
            help="Share of wrong answers accepted; 'I cannot tell' where it is less sure."
        ),
    ] = None,
    candidates: Candidates = 1,
    beams: Beams = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    longest: Longest = None,
    one_of: OneOf = None,
    regex: Regex = None,
    json_schema: JsonSchema = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show words as they come.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=".png, .svg or .pdf of what each word rests on."),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Of pictures or sounds that --output is for.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Ask a model about a picture, a sound, a video or a row: its answer, and how sure it is."""
    from plait.config import to_json
    from plait.errors import ConfigError
    from plait.making.given import columns_for
    from plait.report.files import require_new
    from plait.writer.asking import ask, explain, table_of
    from plait.writer.writer import Writer

    if output is not None:
        require_new(output, overwrite, (".png", ".svg", ".pdf"))
    writer = Writer.load(model)
    values = columns_for(writer, given)
    decoding = _decoding(writer, beams, temperature, top_p, longest, candidates)
    if stream:
        if error_rate is not None or candidates > 1 or one_of or regex or json_schema:
            raise ConfigError(
                "--stream shows one text as it comes, so it goes with none of --error-rate, "
                "--candidates, --one-of, --regex and --json-schema."
            )
        pieces: list[str] = []
        for piece in writer.stream(table_of(values), decoding, seed):
            pieces.append(piece if pieces else piece.lstrip())
            print(pieces[-1], end="", flush=True)
        print()
        text: str | None = "".join(pieces)
    else:
        found = ask(
            writer, values, decoding=decoding,
            constraint=_constraint(writer, one_of, regex, json_schema),
            candidates=candidates, error_rate=error_rate, seed=seed,
        )  # fmt: skip
        text = found.text
        if json:
            show_json(to_json(found))
        else:
            show("I cannot tell." if text is None else text)
            sure = f"confidence {found.confidence:.3f}"
            if found.probability is not None:
                sure += f", right in {found.probability:.0%} of such held-out rows"
            show(sure + (f"; {found.threshold:.3f} is needed" if found.threshold else ""))
            for other in found.candidates[1:]:
                show(f"or: {other}")
    if output is not None and text:
        show(f"What each word rests on: {explain(writer, values, text, column).draw(output)}")


def caption(
    model: WriterArgument,
    table: Annotated[str, typer.Argument(help="A folder of files, or any table.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".csv, .tsv, .jsonl or .parquet.")
    ] = Path("captions.csv"),
    candidates: Candidates = 1,
    beams: Beams = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    longest: Longest = None,
    one_of: OneOf = None,
    regex: Regex = None,
    json_schema: JsonSchema = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
) -> None:
    """Write a text for every file of a folder, or every row of a table, with its confidence."""
    from plait.commands.models import say
    from plait.commands.options import read_table
    from plait.progress import Progress
    from plait.report.files import SUFFIXES, require_new, write_columns
    from plait.report.written import written_columns
    from plait.writer.writer import Writer

    require_new(output, overwrite, SUFFIXES)
    writer = Writer.load(model)
    rows = read_table(table, allow_outside, False, None)
    decoding = _decoding(writer, beams, temperature, top_p, longest, candidates)
    constraint = _constraint(writer, one_of, regex, json_schema)
    texts = writer.predict(rows, Progress(lines=True), decoding, constraint, candidates, seed)
    write_columns(output, written_columns(rows, texts))
    say(output, rows, texts, writer.target, writer.columns)


def _decoding(
    writer: Writer,
    beams: int | None,
    temperature: float | None,
    top_p: float | None,
    longest: int | None,
    candidates: int,
) -> DecodingConfig:
    """Return how texts are written: as the model was told, and what was said over it."""
    from dataclasses import replace

    from plait.config import from_json, to_json
    from plait.decoding.config import DecodingConfig
    from plait.errors import ConfigError

    drawn = temperature is not None or top_p is not None
    if beams is not None and drawn:
        raise ConfigError("--beams looks for the best text, --temperature and --top-p draw one.")
    said = {"beams": beams, "temperature": temperature, "top_p": top_p, "longest": longest}
    own = to_json(writer.config.write.decoding)
    own |= {name: value for name, value in said.items() if value is not None}
    config = from_json(DecodingConfig, own, "decoding")
    if drawn:
        return replace(config, way="sample")
    if beams is not None or (candidates > 1 and config.way == "greedy"):
        return replace(config, way="beam", beams=max(config.beams, candidates))
    return config


def _constraint(
    writer: Writer, one_of: str | None, regex: str | None, json_schema: Path | None
) -> Constraint | None:
    """Return what the text must keep to."""
    from plait.commands.options import settings_of
    from plait.constraints import OneOf
    from plait.errors import ConfigError
    from plait.grammar import following, matching

    if sum(asked is not None for asked in (one_of, regex, json_schema)) > 1:
        raise ConfigError("Say one of --one-of, --regex and --json-schema.")
    tokens = writer.tokens
    if one_of is not None:
        return OneOf(tokens, [answer.strip() for answer in one_of.split(",") if answer.strip()])
    if regex is not None:
        return matching(tokens, regex)
    return None if json_schema is None else following(tokens, settings_of(json_schema))
