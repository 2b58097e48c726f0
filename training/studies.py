"""A search's memory: the trials so far, in a file that outlives a search that is killed.

One study answers one question. What was asked is kept beside the trials, so that other data,
another metric or other fixed settings are refused instead of mixed in.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.interactions import Events
from reco.errors import InvalidInput
from training.fits import Parameters
from training.spaces import SPACES, Range, widened
from training.split import Part

if TYPE_CHECKING:
    import optuna

_NAME = "search"
_ASKED = "asked"
_SECONDS = "seconds"
_FAILED = "failed"
_FREE_TRIALS = 4
"""Trials that are finished whatever their first rung says; the later ones are held against them."""


@dataclass(frozen=True)
class Trial:
    """One tried set of settings."""

    number: int
    parameters: Parameters
    figure: float | None
    """Mean of the metric over the validation users; None: it was given up."""
    seconds: float
    failed: str = ""
    """Why it was given up, where it could not be fitted."""


@dataclass(frozen=True)
class Question:
    """What a search is about."""

    start: Parameters
    """The settings that it begins with; those that have no range stay."""
    metric: str
    half_lives: tuple[float | None, ...]
    """That of `start` among them, where there is a choice."""
    data: str
    """Digest of what is fitted on and judged by."""

    @property
    def spans(self) -> Mapping[str, Range]:
        """Where each setting is searched for: wide enough for the one that it begins with.

        One that has no logarithm where it needs one stays as it is.
        """
        spaces = SPACES[self.start.kind].items()
        spans = ((name, widened(span, getattr(self.start, name))) for name, span in spaces)
        return {name: span for name, span in spans if span is not None}

    def first(self) -> dict[str, Any]:
        """Return the searched settings of `start`."""
        values = {name: getattr(self.start, name) for name in self.spans}
        if len(self.half_lives) > 1:
            values["half_life_days"] = self.start.half_life_days
        return values

    @property
    def all_settings(self) -> tuple[dict[str, Any], ...]:
        """All that can be tried, that of `start` first; empty: there is no end of them."""
        if self.spans:
            return ()
        first = self.first()
        others = [one for one in self.half_lives if one != self.start.half_life_days]
        return (first, *({"half_life_days": one} for one in others if first))

    def fixed(self) -> dict[str, Any]:
        """Return all that no trial changes, as a study keeps it."""
        settled = {k: v for k, v in asdict(self.start).items() if k not in self.first()}
        spans = {name: asdict(span) for name, span in self.spans.items()}
        return {
            "model": self.start.kind,
            "metric": self.metric,
            "settings that stay": settled,
            "ranges": spans,
            "half-lives": list(self.half_lives),
            "data": self.data,
            "people": "drawn alike by every seed",
        }

    def proposed(self, trial: "optuna.Trial") -> Parameters:
        """Return the settings that `trial` proposes."""
        values: dict[str, Any] = {name: _value(trial, name, s) for name, s in self.spans.items()}
        if len(self.half_lives) > 1:
            values["half_life_days"] = trial.suggest_categorical("half_life_days", self.half_lives)
        return replace(self.start, **values)


def digest_of(part: Part) -> str:
    """Return what tells this part from any other: of people and items, those who occur in it."""
    digest = hashlib.sha256()
    for events in (part.past, part.future):
        for column in _columns(events):
            digest.update(column)
    return digest.hexdigest()


def opened_study(question: Question, file: Path | None, seed: int) -> "optuna.Study":
    """Return the study of `file` (SQLite), which is made where there is none; None: in memory.

    Trials are proposed by TPE (Bergstra et al. 2011), and given up by the median rule (Golovin et
    al. 2017, section 3.2.2).

    Raises
    ------
    InvalidInput
        The file is no study, or one that asks something else.
    """
    study = _made_or_read(file)
    asked = study.user_attrs.get(_ASKED)
    if asked is None:
        study.set_user_attr(_ASKED, question.fixed())
    elif asked != question.fixed():
        other = ", ".join(k for k, v in question.fixed().items() if asked.get(k) != v)
        raise InvalidInput(
            "out",
            f"{file} is the study of another search ({other} differ); give this one a folder of "
            "its own by --out, or delete that one",
        )
    _begin(study, question, seed)
    return study


def _made_or_read(file: Path | None) -> "optuna.Study":
    import optuna  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(
            study_name=_NAME,
            storage=None if file is None else f"sqlite:///{file}",
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_FREE_TRIALS),
        )
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = str(getattr(error, "orig", None) or error)
        raise InvalidInput(
            "out",
            f"{file} cannot be read as a study ({reason}); give the search a folder of its own by "
            "--out, or delete that file",
        ) from error


def _begin(study: "optuna.Study", question: Question, seed: int) -> None:
    """Have tried first what a search begins with, where no trial of before came to its end.

    One that was cut off counts for nothing: its settings are tried again.
    """
    import optuna  # noqa: PLC0415

    # A search that goes on must not propose again what it began with.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), multivariate=True)
    done = [trial.params for trial in study.trials if trial.state.is_finished()]
    waiting = study.get_trials(states=(optuna.trial.TrialState.WAITING,), deepcopy=False)
    done += [trial.system_attrs["fixed_params"] for trial in waiting]
    for values in question.all_settings or ((question.first(),) if not done else ()):
        if values not in done:
            study.enqueue_trial(values)


def trials_of(study: "optuna.Study", question: Question) -> tuple[Trial, ...]:
    """Return the trials that came to an end, in their order."""
    return tuple(
        Trial(
            number=trial.number,
            parameters=replace(question.start, **trial.params),
            # One that was given up has the value of its last rung.
            figure=None if trial.state.name == "PRUNED" else trial.value,
            seconds=float(trial.user_attrs.get(_SECONDS, 0.0)),
            failed=str(trial.user_attrs.get(_FAILED, "")),
        )
        for trial in study.trials
        if trial.state.is_finished()
    )


def closed(
    study: "optuna.Study",
    trial: "optuna.Trial",
    figure: float | None,
    seconds: float,
    failed: str = "",
) -> None:
    """Keep how `trial` ended; a figure of None: given up, as it `failed` if that says why.

    What failed is not held for unknown: the sampler takes it for the worst, and keeps away.
    """
    import optuna  # noqa: PLC0415

    trial.set_user_attr(_SECONDS, seconds)
    if failed:
        trial.set_user_attr(_FAILED, failed)
    if figure is None:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, figure)


def importance_of(study: "optuna.Study") -> dict[str, float]:
    """Return the share of each setting in what moves the figure, largest first.

    By PED-ANOVA (Watanabe et al. 2023); empty where too few trials, or too like ones, tell nothing.
    """
    import optuna  # noqa: PLC0415

    finished = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,), deepcopy=False)
    if len({trial.value for trial in finished}) < _FREE_TRIALS:
        return {}
    return dict(optuna.importance.get_param_importances(study))


def _value(trial: "optuna.Trial", name: str, span: Range) -> float | int:
    if span.is_whole:
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.is_log)
    return trial.suggest_float(name, span.low, span.high, log=span.is_log)


def _columns(events: Events) -> tuple[bytes, ...]:
    """Return what was done, by whom, with what; numbers are those among what occurs."""
    users, user = np.unique(events.user, return_inverse=True)
    items, item = np.unique(events.item, return_inverse=True)
    place = None if events.lonlat is None else events.lonlat[items]
    kind = events.category
    category = None if kind is None else np.unique(kind[items], return_inverse=True)[1]
    columns = (user, item, events.kind, events.at, place, category)
    return (
        b"\0".join(events.users[users].tolist()),
        b"\0".join(events.items[items].tolist()),
        *(b"" if column is None else column.tobytes() for column in columns),
    )
