"""One frozen settings object, read from the environment by the composition root alone."""

from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from reco.errors import InvalidInput
from reco.feed.dials import MAX_INTENSITY, MAX_POINTS_A_BOOKING, SERVED, Dials
from reco.moments import zone_from

_PREFIX = "RECO_"


def _project_home() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / ".reco"


class Settings(BaseSettings):
    """What an operator may set, each as `RECO_<NAME>`; passed in, never read below the commands."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Field(default_factory=_project_home)
    """Folder of the private cluster, the artifacts and the catalogues of all worlds."""
    world: str = "demo"
    """Name of the world: one database and one artifact folder each."""
    database_url: str | None = None
    """A PostgreSQL + PostGIS database; `{world}` is replaced. Default: the private cluster."""
    database_read_url: str | None = None
    """A streaming replica of it, for searches and the state of users; `{world}` is replaced."""
    max_replica_lag_s: float = Field(default=5.0, gt=0.5, le=300.0)
    """A replica that may be farther behind is not read from until it has caught up."""
    secret: str | None = None
    """Key of user tokens and cursors, 32 characters or more. Default: made once under `home`."""
    pool_size: int = Field(default=8, ge=1, le=200)
    """Database connections a worker."""
    radius_m: float = Field(default=50_000.0, ge=100.0, le=200_000.0)
    """Default radius of feeds and searches."""
    model_store: str | None = None
    """URL of a folder that `reco train` copies models to (any fsspec store), for other machines."""
    mlflow_tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    """An MLflow server or folder that is told of each training; without the prefix, as MLflow has
    it. Needs the extra `mlflow`."""
    exploration: float | None = Field(default=None, ge=0.0, le=1.0)
    """Probability that chance changes one position of a slate. Default: .02 in the world `demo`,
    0 elsewhere."""
    floor: float | None = Field(default=None, ge=0.0, le=1.0)
    """Of feeds that ask for none; `reco slate tune` writes proposals as this and the next two."""
    intensity: float | None = Field(default=None, ge=1.0, le=MAX_INTENSITY)
    points_a_booking: float | None = Field(default=None, gt=0.0, le=MAX_POINTS_A_BOOKING)
    """The price of relevance (`reco.feed.dials`): set alone it has no floor, as in a request."""
    timezone: str = "Europe/Paris"
    """Zone of the programme, where birthdays begin, of what is printed, and of dates and times that
    are asked for without one."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        return zone_from(name, f"{_PREFIX}TIMEZONE").key

    @property
    def dials(self) -> Dials:
        """How slates are chosen where a request does not say."""
        return SERVED.turned(self.floor, self.intensity, self.points_a_booking)


def read_settings() -> Settings:
    """Return the settings of the environment.

    Raises
    ------
    InvalidInput
        Names the first variable that is set to what cannot be.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0])
        variable = name if name.isupper() else f"{_PREFIX}{name.upper()}"
        raise InvalidInput(variable, f"{wrong['input']!r}: {wrong['msg']}") from None
