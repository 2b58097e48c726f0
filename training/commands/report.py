"""The command `reco report`: a run of `reco evaluate` as one page, and as data."""

import json
from pathlib import Path
from typing import Annotated

import typer

from reco.console import WorldOption, console, require_folder, settings_for
from reco.db.ready import located_world
from reco.errors import InvalidInput
from training.replay.folder import RunFolder, run_named


def report(
    context: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Name or folder of a run of `reco evaluate`; `latest`: the last begun.",
        ),
    ] = "latest",
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page.")] = Path("report.html"),
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same as JSON.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the figures as a table.")
    ] = None,
    slates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What `reco benchmark slates --json` wrote: told too."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="Told beside the first system, by name or letter. [default: the second]"),
    ] = None,
    world: WorldOption = None,
) -> None:
    """Draw a finished evaluation as one HTML file that needs nothing else.

    Headline with intervals, in plain words, relevance against horizon, kinds of people, maps,
    venues, probabilities, what changes, examples, every figure, and how it was made.
    """
    # Wanted by this command alone.
    from training.report.benchmark import read_benchmark  # noqa: PLC0415
    from training.report.contents import report_of  # noqa: PLC0415
    from training.report.export import as_object, csv_text  # noqa: PLC0415
    from training.report.page import page  # noqa: PLC0415

    folder = _folder(located_world(settings_for(context, world)).evaluations, run)
    told = report_of(folder, system, read_benchmark(slates) if slates else None)
    for option, path in {"out": out, "json": json_file, "csv": csv_file}.items():
        require_folder(option, path)
    texts = {out: page(told)}
    if json_file is not None:
        texts[json_file] = json.dumps(as_object(told), ensure_ascii=False, allow_nan=False)
    if csv_file is not None:
        texts[csv_file] = csv_text(told)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="")
    console.print(f"{folder.name}: {', '.join(map(str, texts))}", soft_wrap=True)


def _folder(runs: Path, run: str) -> RunFolder:
    """Return the run of a name, or of the folder that `reco evaluate --out` made."""
    if (Path(run) / "manifest.json").exists():
        return RunFolder(Path(run))
    if not any(runs.glob("*/manifest.json")):
        raise InvalidInput("run", "this world has no evaluation yet; `reco evaluate` makes one")
    return run_named(runs, run)
