"""Every number of the simulated world, in one place; the tables of rows stand beside it.

Three kinds of source are named at each value: *programme* (its published rules and skew),
*a priori* (a plausible order of magnitude, chosen before any model saw the world) and *form* (what
an array needs to be well defined). No value is tuned to a model; a change is listed with its reason
in the change log.

`taxonomy.csv`, `supply.csv` (offers, demand, prices and sessions by subcategory), `genres.csv`
(genres and the hidden styles they feed), `styles.csv` and `venue_types.csv` are the programme's
names with a priori shares, except LIVRE, whose share of offers and demand is the programme's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reco.errors import InvalidInput

Density = Mapping[str, float]
"""One value each for dense, town and rural surroundings."""


@dataclass(frozen=True)
class Extent:
    """A disc on the map: the part of the country that a small world is made of."""

    lon: float
    lat: float
    radius_m: float


@dataclass(frozen=True)
class Scale:
    """How many of each; `extent` None is all of metropolitan France and Corsica."""

    users: int
    venues: int
    items: int
    offers: int
    extent: Extent | None


SCALES: Mapping[str, Scale] = {
    # Lyon, Grenoble, Saint-Étienne, Chambéry, Valence and the Vercors between them: small enough
    # that few venues are as close together as in the country.
    "demo": Scale(2_000, 400, 3_000, 12_000, Extent(5.28, 45.46, 75_000.0)),
    # The same with Clermont-Ferrand, Annecy, Montélimar and the villages of the Massif Central.
    "town": Scale(20_000, 1_500, 15_000, 60_000, Extent(5.0, 45.3, 160_000.0)),
    "france": Scale(800_000, 40_000, 200_000, 1_500_000, None),
}


def scale_of(size: str) -> Scale:
    """Return the scale called `size`, else raise `InvalidInput` with the names there are."""
    if size not in SCALES:
        raise InvalidInput("size", f"there is no size {size!r}", tuple(SCALES))
    return SCALES[size]


@dataclass(frozen=True)
class Parameters:
    """The assumptions; lengths in metres, money in euros, times in days unless the name says."""

    # Calendar -------------------------------------------------------------------------------
    history_days: int = 336
    """Past that is simulated: 12 periods of 4 weeks (form: offers are weighed by period)."""
    period_days: int = 28
    agenda_days: int = 56
    """Sessions are planned 8 weeks ahead (a priori)."""
    recent_share: float = 0.4
    recent_days: int = 28
    """Share of dated runs that start in the last `recent_days` or later; 1/5 if even (a priori:
    venues take down what is long over)."""

    # Places ---------------------------------------------------------------------------------
    min_town_population: int = 500
    """Smallest places of the gazetteer (form: its finest edition)."""
    area_degrees: float = 0.1
    """Side of the cells in which people share what is in reach, 8 to 11 km (form)."""
    density_radius_m: float = 10_000.0
    dense_population: float = 200_000.0
    """Surroundings are dense from so many people within `density_radius_m` (a priori: the core
    of a metropolis), rural below `rural_population`."""
    rural_population: float = 30_000.0
    sprawl_m: float = 500.0
    """Scatter of homes around the centre of a village; of a town, `sprawl_m` times the square
    root of its population over 1,000, 25 times at most (a priori: constant density)."""
    venue_centrality: float = 0.6
    """Venues scatter less than homes (a priori)."""

    # Supply ---------------------------------------------------------------------------------
    scenes: int = 4
    """Circles of works within a style that no label shows (a priori; gives histories something
    to tell beyond genres)."""
    popularity_exponent: float = 0.75
    """Zipf exponent of works' quality within a subcategory (a priori: book and film demand is
    reported between 0.5 and 1)."""
    stocking_exponent: float = 0.5
    """How far venues follow popularity in what they offer (a priori)."""
    venue_size_sigma: float = 0.7
    """Lognormal spread of venues' numbers of offers (a priori)."""
    backlist_share: float = 0.7
    """Undated works that were out before the history starts (a priori)."""
    backlist_days: int = 720
    stocking_days: float = 12.0
    """Mean time from a work's release to a venue's offer (a priori)."""
    lead_days: tuple[float, float, float] = (8.0, 25.0, 75.0)
    """Publication before the first session: low, mode, high (a priori)."""
    tour_days: float = 12.0
    """Scatter of one dated work's runs between venues (a priori)."""
    withdrawn_share: float = 0.04
    cancelled_share: float = 0.02
    """Offers withdrawn, sessions cancelled (a priori)."""
    limited_share: float = 0.2
    """Undated stocks with a quantity; the others are ordered on demand (a priori)."""
    quantity_sigma: float = 0.6
    """Lognormal spread of quantities around the subcategory's usual one (a priori)."""
    booking_limit_s: tuple[int, ...] = (0, 7_200, 86_400)
    booking_limit_shares: tuple[float, ...] = (0.6, 0.25, 0.15)
    """Seconds before a session at which booking ends, and the shares of offers (a priori)."""
    price_spread: float = 0.1
    """How far venues' prices of one work differ, books aside: the law fixes theirs (a priori)."""
    max_price_eur: float = 300.0
    """Programme: no offer above."""

    # People ---------------------------------------------------------------------------------
    credit_eur: float = 500.0
    digital_cap_eur: float = 200.0
    physical_cap_eur: float = 200.0
    credit_days: int = 730
    """Programme: 500 euros at 18 for 24 months, 200 at most for digital and for physical goods."""
    cohort_days: int = 300
    """Grants are spread over the last 10 months (a priori: one year group, the newest still
    cold)."""
    grant_delay_days: float = 60.0
    """Grant after the 18th birthday, at most (a priori)."""
    inactive_share: float = 0.05
    """Who never opens the application (a priori)."""
    activity_per_month: float = 6.5
    activity_sigma: float = 0.8
    """Offers considered in 30 days: mean and lognormal spread (a priori: 20 recorded
    interactions a person over a mean of 5 months)."""
    front_loading: float = 1.25
    """Considerations fall at tenure times u to this power: more when the credit is new."""
    hour_weights: tuple[float, ...] = (
        *(10, 5, 2, 1, 1, 2, 5, 15, 20, 25, 30, 35),
        *(45, 40, 35, 35, 45, 60, 70, 75, 80, 80, 60, 30),
    )
    """Weight of each local hour of the day (a priori: evenings, and a rise at noon)."""
    openness: tuple[float, float] = (2.0, 3.0)
    """Beta distribution of openness (a priori)."""
    concentration: tuple[float, float] = (2.5, 5.0)
    """Dirichlet concentration over styles, plus so much per unit of openness (a priori)."""
    scene_concentration: float = 0.35
    """Dirichlet over the scenes of a style: most people follow one or two (a priori)."""
    exploration: float = 0.4
    """Share of considerations at openness 1 that follow everybody's tastes, not one's own."""
    dense_money: float = 0.2
    """Shift of the standardised means in dense surroundings, and back in rural ones (a priori)."""
    price_sensitivity: tuple[float, float, float] = (0.25, 0.4, 0.2)
    """Log-odds lost per 10 euros; its log falls by the second per unit of means, with the third
    as noise (a priori)."""
    reach_m: Density = field(
        default_factory=lambda: {"dense": 8_000.0, "town": 14_000.0, "rural": 25_000.0}
    )
    """Distance over which attention falls by e (a priori: rural people drive)."""
    reach_sigma: float = 0.3
    max_reach_m: float = 60_000.0
    """Nothing farther is considered (form)."""

    # Behaviour ------------------------------------------------------------------------------
    scarcity: float = 0.1
    """Supply in reach at which half of the intentions find nothing (a priori)."""
    booking_bias: float = 0.2
    booking_taste: float = 0.6
    booking_quality: float = 0.25
    """Log-odds of a booking once considered: constant, per log of the taste's lift, per log of
    relative quality (a priori: about one page in four ends in a booking)."""
    taste_floor: tuple[float, float] = (0.05, 0.5)
    """Lift credited to unknown tastes: constant, per unit of openness (a priori)."""
    impression_rate: float = 0.03
    """Share of shown offers that are considered (a priori: a few per cent of list entries are
    opened); a shown offer is booked with this times the probability once considered."""
    duo_share: float = 0.35
    """Bookings of duo offers for two (a priori)."""
    favourite_share: float = 0.1
    dismiss_share: float = 0.1
    click_share: float = 0.35
    """Other ends of a consideration (a priori); favourites rise and dismissals fall with taste."""
    sooner_sessions: float = 1.5
    """A session is chosen at u to this power of those to come; 1 is evenly (a priori)."""
    user_cancelled_share: float = 0.04
    user_cancelled_s: tuple[int, int] = (3_600, 169_200)
    """Bookings that people cancel, and when after the booking (programme: within 48 hours)."""
    collected_after_s: int = 172_800
    """How long after they are booked goods are collected (a priori)."""


PARAMETERS = Parameters()
