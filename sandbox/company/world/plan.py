"""What to simulate, and the two things that every part of it needs: chance and a calendar."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from random import Random
from zoneinfo import ZoneInfo

OPENS, CLOSES = 8, 18
"""Office hours, in the company's own time zone."""


@dataclass(frozen=True)
class Plan:
    """A history to simulate: the same plan gives the same history.

    ``size`` is about the number of accounts that each unit gets to know, of four times as many leads; ``churn`` the
    share of subscriptions that end in a month; ``seasonality`` how far demand swings around its mean; ``mistakes`` the
    share of records that somebody mishandles (duplicates, deletes, edits after the fact).
    """

    seed: int = 1
    size: int = 200
    years: float = 2
    start: date = date(2023, 1, 1)
    churn: float = 0.02
    seasonality: float = 0.3
    mistakes: float = 0.01
    timezone: str = "Europe/Berlin"

    @property
    def leads(self) -> int:
        """How many leads each unit gets."""
        return 4 * self.size

    @cached_property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def begins(self) -> datetime:
        """The first moment of the history."""
        return self.midnight(self.start)

    @cached_property
    def ends(self) -> datetime:
        """The moment at which the history stops, in whole months from its beginning; nothing happens from then on."""
        start = datetime.combine(self.start, time())
        return self.midnight(next_month(start, round(12 * self.years)).date())

    def stream(self, *parts: object) -> Random:
        """Return the random numbers of one decision. Streams are independent of each other."""
        return Random("/".join(map(str, (self.seed, *parts))))  # noqa: S311

    def slips(self, *parts: object) -> bool:
        """Say whether somebody makes this mistake."""
        return self.stream("mistake", *parts).random() < self.mistakes

    def day(self, moment: datetime) -> date:
        """Return the company's calendar day of a moment."""
        return moment.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """Return the moment at which a calendar day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def at(self, day: date, hour: int, random: Random) -> datetime:
        """Return a moment within an hour of a calendar day."""
        moment = datetime.combine(day, time(hour), self.zone) + timedelta(seconds=random.randrange(3600))
        return moment.astimezone(UTC)

    def arrival(self, *parts: object) -> datetime:
        """Return the moment at which a lead arrives: more arrive in November than in May, by the plan's seasonality."""
        random = self.stream("arrival", *parts)
        seconds = int((self.ends - self.begins).total_seconds())
        while True:
            moment = self.begins + timedelta(seconds=random.randrange(seconds))
            season = math.cos(2 * math.pi * (moment.timetuple().tm_yday / 365.25 - 11 / 12))
            if random.random() * (1 + abs(self.seasonality)) <= 1 + self.seasonality * season:
                return moment

    def office(self, moment: datetime, random: Random) -> datetime:
        """Return the moment itself within office hours, else one in the first two hours of the next working day."""
        local = moment.astimezone(self.zone)
        if is_working(local.date()) and OPENS <= local.hour < CLOSES:
            return moment
        day = local.date() if local.hour < OPENS else local.date() + timedelta(days=1)
        while not is_working(day):
            day += timedelta(days=1)
        return self.at(day, OPENS + random.randrange(2), random)

    def office_minutes(self, since: datetime, until: datetime) -> int:
        """Return the minutes within office hours between two moments."""
        total, day = timedelta(), self.day(since)
        while day <= self.day(until):
            if is_working(day):
                opening, closing = (datetime.combine(day, time(hour), self.zone) for hour in (OPENS, CLOSES))
                total += max(min(closing, until) - max(opening, since), timedelta())
            day += timedelta(days=1)
        return int(total.total_seconds()) // 60


def is_working(day: date) -> bool:
    """Say whether it is a day from Monday to Friday."""
    return day.weekday() < 5


def later(moment: datetime, random: Random, hours: float, spread: float = 0.8) -> datetime:
    """Return a moment some time afterwards; ``hours`` is the median, and some take much longer."""
    return moment + timedelta(seconds=int(3600 * hours * math.exp(random.gauss(0, spread))) + 1)


def next_month(moment: datetime, months: int) -> datetime:
    """Return the moment some months later, on the last day of a month that is too short for it."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    first_after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (first_after - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
