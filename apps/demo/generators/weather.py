"""Simulated weather: every station gives a reading every five steps. Nothing here was measured.

All that a station is, is in its row: the one who continues begins with what the rows say, and nothing jumps.
"""

import unicodedata

from places import PLACES

# Steps in which each station reports once.
ROUND = 5
# Readings in a row's series of temperatures.
SERIES = 36

# What is said of the sky, from clear to wet, up to which part of clouds.
SKY = ((0.22, "clear"), (0.45, "partly cloudy"), (0.7, "cloudy"), (0.82, "drizzle"), (0.95, "rain"), (1.01, "thunderstorm"))
# As clouds, for the one who continues.
CLOUDS = {"clear": 0.1, "partly cloudy": 0.35, "cloudy": 0.58, "fog": 0.5, "drizzle": 0.76, "rain": 0.88, "thunderstorm": 0.97, "snow": 0.88}


class Weather:
    """@param rows what the table holds, by key"""

    def __init__(self, rng, rows):
        self._rng = rng
        self._stations = [Station(rng, place, rows.get(key_of(place[0]))) for place in PLACES]
        self._due = []

    def step(self, now, present=None):
        """The next step's changes. With `present`, the keys that the table holds: every row as a whole, and no others."""
        if present is not None:
            readings = {station.key: station.read(self._rng, now, True) for station in self._stations}
            strays = sorted(set(present) - set(readings))
            return {"set": readings, "delete": strays} if strays else {"set": readings}
        if not self._due:
            self._due = self._rng.sample(self._stations, len(self._stations))
        count = -(-len(self._stations) // ROUND)
        due, self._due = self._due[:count], self._due[count:]
        return {"patch": {station.key: station.read(self._rng, now, False) for station in due}}


class Station:
    def __init__(self, rng, place, row):
        self.key = key_of(place[0])
        self._place = place
        _, _, _, warmth, humidity, wind = place
        if row is None:
            self._temperature = warmth + rng.gauss(0, 3)
            self._humidity = humidity + rng.gauss(0, 6)
            self._wind = max(0.0, wind + rng.gauss(0, 4))
            self._from = rng.uniform(0, 360)
            self._pressure = 1013 + rng.gauss(0, 7)
            self._clouds = rng.uniform(0, 0.95)
            self._series = []
            # The series begins full: a line of one point is none.
            for _ in range(SERIES - 1):
                self._drift(rng)
                self._series.append(round(self._temperature, 1))
        else:
            self._temperature = row["temperature"]
            self._humidity = row["humidity"]
            self._wind = row["wind"]
            self._from = row["windFrom"]
            self._pressure = row["pressure"]
            self._clouds = CLOUDS.get(row["condition"], 0.5)
            self._series = list(row["series"])

    def read(self, rng, now, whole):
        self._drift(rng)
        self._series = (self._series + [round(self._temperature, 1)])[-SERIES:]
        name, country, region, _, _, _ = self._place
        fixed = {"place": name, "country": country, "region": region} if whole else {}
        return dict(
            fixed,
            temperature=round(self._temperature, 1),
            humidity=int(round(self._humidity)),
            wind=round(self._wind, 1),
            windFrom=int(self._from) % 360,
            pressure=round(self._pressure, 1),
            condition=self._condition(),
            series=self._series,
            at=now,
        )

    def _drift(self, rng):
        _, _, _, warmth, humidity, wind = self._place
        self._clouds = within(self._clouds + 0.01 * (0.45 - self._clouds) + rng.gauss(0, 0.03), 0, 1)
        # Clouds cool, and rain more so.
        usual = warmth + 2.5 - 5 * self._clouds
        self._temperature = within(self._temperature + 0.03 * (usual - self._temperature) + rng.gauss(0, 0.22), -45, 50)
        moist = humidity + 25 * (self._clouds - 0.45)
        self._humidity = within(self._humidity + 0.05 * (moist - self._humidity) + rng.gauss(0, 0.8), 8, 100)
        self._wind = within(self._wind + 0.06 * (wind - self._wind) + rng.gauss(0, 1.1), 0, 120)
        self._from = (self._from + rng.gauss(0, 5)) % 360
        self._pressure = within(self._pressure + 0.02 * (1013 - self._pressure) + rng.gauss(0, 0.25), 955, 1050)

    def _condition(self):
        sky = next(words for most, words in SKY if self._clouds < most)
        if self._temperature < 1 and sky in ("drizzle", "rain", "thunderstorm"):
            return "snow"
        if sky == "cloudy" and self._humidity > 88 and self._wind < 12:
            return "fog"
        return sky


def key_of(name):
    """Plain letters: `reykjavik`, `la-paz`."""
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o")).encode("ascii", "ignore").decode("ascii")
    return plain.lower().replace(" ", "-")


def within(value, least, most):
    return max(least, min(most, value))
