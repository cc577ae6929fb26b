"""`plait write`: a column of texts from what the other columns hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plait.commands.options import (
    Columns,
    Encoding,
    Join,
    Outside,
    Overwrite,
    Sounds,
    TableArgument,
    Urls,
    modalities_of,
    names_of,
    read_table,
    settings_of,
    show,
)
from plait.errors import ConfigError, many

if TYPE_CHECKING:
    from plait.hosted.checks import Check
    from plait.hosted.labelling import Written

UNFINISHED = 3
"""What the program ends with when rows are left."""


def write(
    table: TableArgument,
    with_endpoint: Annotated[
        str, typer.Option(help="Base URL of chat completions, as in https://api.openai.com/v1.")
    ],
    model: Annotated[str, typer.Option(help="Its name there.")],
    prompt: Annotated[
        str, typer.Option(help="With columns in braces: 'Describe {photo}. Title: {title}'.")
    ],
    column: Annotated[str, typer.Option(help="Name of the new column.")] = "caption",
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".parquet, .csv, .tsv or .jsonl")
    ] = Path("written.parquet"),
    system: Annotated[str, typer.Option(help="A message before the prompt.")] = "",
    one_of: Annotated[str | None, typer.Option(help="Answers to choose from, with commas.")] = None,
    json_schema: Annotated[
        Path | None, typer.Option(help="A file with the JSON schema of answers.")
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(help="Words for a missing cell; by default such rows are not asked."),
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Of all answers of the table.")] = None,
    price_in: Annotated[float, typer.Option(help="Of a million tokens that are read.")] = 0.0,
    price_out: Annotated[float, typer.Option(help="Of a million tokens that are written.")] = 0.0,
    max_requests: Annotated[int | None, typer.Option(help="Of this run.")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Environment variable of the key.", show_default="OPENAI_API_KEY"),
    ] = None,
    longest_answer: Annotated[int, typer.Option(help="Tokens.")] = 300,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field of the request, seed=1; repeated. null removes one."),
    ] = None,
    parallel: Annotated[int, typer.Option(help="Requests at once.")] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds of a request.")] = 60.0,
    tries: Annotated[int, typer.Option(help="Of a request.")] = 5,
    side: Annotated[int, typer.Option(help="Longest side of pictures, in pixels.")] = 1024,
    sounds: Annotated[bool, typer.Option("--sounds", help="The model takes sounds.")] = False,
    image: Columns = None,
    text: Columns = None,
    audio: Sounds = None,
    answers: Annotated[
        Path | None, typer.Option(help="File of the answers so far; one of the user by default.")
    ] = None,
    join: Join = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Let a hosted model write a column: captions, labels, or JSON. The same command goes on."""
    from plait.hosted.account import Ceiling
    from plait.hosted.endpoint import EndpointConfig
    from plait.hosted.labelling import write_with_endpoint
    from plait.hosted.prompt import PromptConfig
    from plait.progress import Progress
    from plait.report.files import SUFFIXES, own_columns, require_new, write_columns

    require_new(output, overwrite, SUFFIXES)
    read = read_table(table, allow_outside, allow_urls, encoding, join)
    if column in read:
        raise ConfigError(f"Column {column!r} is in the table; name another one with --column.")
    found = write_with_endpoint(
        read,
        PromptConfig(prompt, system, missing, side, sounds),
        EndpointConfig(
            with_endpoint, model, key, longest_answer, fields_of(set_), parallel, timeout, tries
        ),
        column=column,
        check=_check(one_of, json_schema),
        ceiling=Ceiling(price_in, price_out, max_cost, max_requests),
        modalities=modalities_of(image, text, None, None, None, None, audio, None, None, None),
        answers=answers,
        progress=Progress(lines=True),
    )
    partial = output.with_name(f"{output.stem}.partial{output.suffix}")
    path = partial if found.left else output
    write_columns(path, {**own_columns(read), column: found.values})
    _show(found, column, path)
    if found.left:
        raise typer.Exit(UNFINISHED)
    for old in (partial, partial.with_suffix(".skipped.csv")):
        old.unlink(missing_ok=True)


def _show(found: Written, column: str, path: Path) -> None:
    """Say what was written, what it cost, and what is missing."""
    account, written = found.account, sum(value is not None for value in found.values)
    known = f", {found.known:,} of them known from before" if found.known else ""
    show(f"{column}: {many(written, 'row')} written to {path}{known}.")
    priced = account.ceiling.price_in + account.ceiling.price_out > 0
    spent = f", {account.cost:.4f} spent" if priced else ""
    show(f"{many(found.requests, 'request')}; in all {account.tokens_in:,} tokens read and "
         f"{account.tokens_out:,} written{spent}.")  # fmt: skip
    if len(found.skipped):
        skipped = path.with_suffix(".skipped.csv")
        found.skipped.write(skipped)
        show(f"No answer: {many(len(found.skipped), 'row')}; see {skipped}.")
    if found.left:
        show(f"Stopped, since {found.stopped}. {many(found.left, 'row')} left; the same command "
             "with more allowed goes on.")  # fmt: skip


def _check(one_of: str | None, json_schema: Path | None) -> Check | None:
    from plait.hosted.checks import JsonSchema, OneOf

    if one_of is not None and json_schema is not None:
        raise ConfigError("Answers are one of some words or JSON: say --one-of or --json-schema.")
    if one_of is not None:
        return OneOf(tuple(names_of([one_of])))
    return None if json_schema is None else JsonSchema(settings_of(json_schema))


def fields_of(given: list[str] | None) -> dict[str, Any]:
    """Return the fields of `name=value`; the value is JSON, or else a text."""
    found: dict[str, Any] = {}
    for item in given or []:
        name, mark, value = item.partition("=")
        if not mark or not name.strip() or name.strip() in ("messages", "model", "stream"):
            raise ConfigError(
                f"Field {item!r} cannot be set; write name=value, as in --set seed=1, of any but "
                "messages, model and stream."
            )
        try:
            found[name.strip()] = json.loads(value)
        except ValueError:
            found[name.strip()] = value
    return found
