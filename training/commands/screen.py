"""One screen about a training run."""

from datetime import UTC

from rich.console import Group, RenderableType
from rich.text import Text

from reco.model.artifact import PeopleFacts
from reco.whole_table import Table
from training.intervals import Estimate
from training.models.popularity import PopularityParameters
from training.ranked import RankerFigures
from training.summary import TrainingSummary

_SHOWN = ("ndcg@10", "recall@10", "recall_full@10", "recall_full@20", "mrr@10", "hit@10")


def training_table(summary: TrainingSummary) -> RenderableType:
    """Return one screen about a run: data, time, memory, metrics with intervals."""
    table = Table(title=f"Model {summary.version}", header_style="bold")
    table.add_column("metric")
    others = () if _is_the_baseline(summary) else (_baseline(summary), "difference")
    for name in (summary.kind, *others):
        table.add_column(f"{name} (95 % interval)", justify="right")
    for figures, among in ((summary.figures, ""), (summary.open_figures, ", open items")):
        for row in figures:
            if row.metric in (_SHOWN if not among else _SHOWN[:1]):
                cells = (_text(row.model), _text(row.popularity), _text(row.difference, sign="+"))
                table.add_row(row.metric + among, *cells[: 1 + len(others)])
    return Group(table, *(Text(line) for line in _lines(summary)))


def _baseline(summary: TrainingSummary) -> str:
    is_alike = summary.kind == PopularityParameters.kind
    return f"{PopularityParameters.kind}{' by its defaults' if is_alike else ''}"


def _is_the_baseline(summary: TrainingSummary) -> bool:
    """Return whether this is popularity as others are compared with it."""
    rows = (*summary.figures, *summary.open_figures)
    return summary.kind == PopularityParameters.kind and all(
        row.model == row.popularity for row in rows
    )


def _lines(summary: TrainingSummary) -> list[str]:
    task = summary.task
    seconds = ", ".join(f"{stage} {took:.1f} s" for stage, took in summary.seconds.items())
    fades = (
        f"counts half after {summary.half_life_days:.0f} days"
        if summary.half_life_days
        else "never fades"
    )
    until = f" before {summary.cutoff.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if summary.cutoff else ""
    judged = (
        "Judged on what came after."
        if summary.is_held_out
        else "Judged by a rehearsal, on what was held out from it; where a cutoff or a part was "
        "given, that also chose the half-life: a little too good."
    )
    is_sample = len(task.users) < task.of_users
    drawn = f", drawn at random from {task.of_users:,}" if is_sample else ""
    held = [_people_line(summary.people)] if summary.people else []
    alone = "This is what other models are compared with, so that nothing stands beside it."
    return [
        *([alone] if _is_the_baseline(summary) else []),
        "Ranked here is the whole catalogue, wherever it can be booked. What feeds find, which "
        "rank what a person can book nearby, `reco evaluate` says.",
        f"Seen: {summary.events:,} events of {summary.users:,} users on {summary.items:,} items"
        f"{until}; interest {fades}.",
        f"{judged} To be found: {task.targets.nnz:,} items of {len(task.users):,} users{drawn} "
        f"({task.answers:,} answers of all, {task.repeats:,} pairs already met, left out; "
        f"{task.unknown_items:,} targets on items that nobody had met).",
        _ranker_line(summary.ranker),
        *held,
        f"Took: {seconds}; peak memory {summary.peak_memory_bytes / 1e6:,.0f} MB.",
        f"Saved in {summary.folder}.",
    ]


def _ranker_line(figures: RankerFigures | None) -> str:
    if figures is None:
        return "Probability: too little is known of visits; distance, price, wait count as by hand."
    told, gain, shown = figures.reliability, figures.loss_a_visit, figures.taught
    taught = (
        f", and {shown.offers:,} offers shown on {shown.slates:,} slates, {shown.by_chance:,} of "
        f"them by chance, from {shown.first_at:.10} to {shown.last_at:.10}: {shown.bookings:,} "
        f"bookings"
        if shown
        else ""
    )
    return (
        f"Probability, learned from {figures.learned_visits:,} visits replayed{taught}; judged on "
        f"{figures.bookings:,} bookings of {figures.visits:,} later "
        f"{'slates' if shown else 'visits'} of {figures.people:,} people: "
        f"calibration error {told.ece_rel:.3f} of the base rate; log-loss {told.log_loss:.3e}, "
        f"of the base rate {told.log_loss_base:.3e}; over a visit, less that of the base rate, "
        f"{_text(gain, sign='+')}, 95 % interval; AUC {told.auc:.3f}; "
        f"distinct among the 500 likeliest {figures.distinct_share:.1%}."
    )


def _people_line(people: PeopleFacts) -> str:
    return (
        f"Holds nobody but accounts: {people.left_out:,} others were left out, {people.erased:,} "
        f"are erased; held without an account: {people.vectors_without_account:,}."
    )


def _text(estimate: Estimate, sign: str = "") -> str:
    def number(value: float) -> str:
        return f"{value:{sign}.4f}"

    return f"{number(estimate.value)} ({number(estimate.low)} .. {number(estimate.high)})"
