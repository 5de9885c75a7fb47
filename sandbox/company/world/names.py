"""Simulated names: each contains "Sim" or "(simulated)", so that nobody takes it for real."""

from dataclasses import dataclass
from random import Random

INSTRUMENTS, CLOUD = "Simulated Instruments", "Simulated Cloud"
UNITS = (INSTRUMENTS, CLOUD)
AGENCIES = ("Sim Dialers (simulated)", "Sim Reach (simulated)")
TEAMS = ("Sim Team North", "Sim Team South", "Sim Team Overseas")
SOURCES = ("Web", "Referral", "Trade Show", "Partner", "Purchased List")
TOPICS = ("billing", "access", "integration", "performance", "how-to")
INDUSTRIES = ("Manufacturing", "Healthcare", "Retail", "Energy", "Education")

_ADJECTIVES = ("Amber", "Blue", "Clear", "Dawn", "Elder", "Frost", "Green", "Harbour", "Iron", "Lunar", "Maple")
_NOUNS = ("Works", "Optics", "Foods", "Logistics", "Clinics", "Mills", "Power", "Studios", "Textiles", "Water")
_FIRST = ("Ada", "Bruno", "Chiara", "Daichi", "Elif", "Fernanda", "Gérard", "Hana", "Ines", "João", "Kenji", "Zoë")
_LAST = ("Abel", "Borges", "Castelo", "Dürr", "Esposito", "Fujita", "Groß", "Hayashi", "Ito", "Jansen", "Kovač", "Lima")


@dataclass(frozen=True)
class Place:
    """Where a customer is, and what it pays in."""

    country: str
    region: str
    currency: str
    cities: tuple[str, ...]
    form: str


PLACES = (
    Place("DE", "DACH", "EUR", ("Hamburg", "München", "Köln"), "GmbH"),
    Place("AT", "DACH", "EUR", ("Wien", "Graz"), "GmbH"),
    Place("US", "Americas", "USD", ("Boston", "Denver"), "Inc."),
    Place("BR", "Americas", "BRL", ("São Paulo", "Recife"), "Ltda."),
    Place("JP", "Asia", "JPY", ("東京", "大阪"), "K.K."),
)


@dataclass(frozen=True)
class ProductModel:
    """A product: ``price`` in EUR, of a piece or of a seat and month; ``tier`` orders a family's models."""

    name: str
    family: str
    tier: int
    price: int


MODELS = {
    INSTRUMENTS: (
        ProductModel("Sim Scope 100", "Scope", 1, 900),
        ProductModel("Sim Scope 300", "Scope", 2, 2400),
        ProductModel("Sim Scope 900", "Scope", 3, 7800),
        ProductModel("Sim Meter S", "Meter", 1, 250),
        ProductModel("Sim Meter L", "Meter", 2, 640),
        ProductModel("Sim Sensor Kit", "Sensor", 1, 120),
    ),
    CLOUD: (
        ProductModel("Sim Cloud Basic", "Cloud", 1, 20),
        ProductModel("Sim Cloud Pro", "Cloud", 2, 50),
        ProductModel("Sim Cloud Enterprise", "Cloud", 3, 95),
        ProductModel("Sim Cloud Backup", "Backup", 1, 10),
    ),
}


def company(random: Random, form: str, number: int) -> str:
    """Return the name of a company."""
    return f"Sim {random.choice(_ADJECTIVES)} {random.choice(_NOUNS)} {number} {form} (simulated)"


def person(random: Random) -> tuple[str, str]:
    """Return a first and a last name."""
    return f"Sim {random.choice(_FIRST)}", random.choice(_LAST)
