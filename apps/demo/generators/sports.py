"""Simulated football: invented leagues and clubs, matches that begin, go on and end, and new ones after them.

All that a match is, is in its row: the one who continues takes up the matches where they stand. Players are numbers, as nobody plays.
"""

LEAGUES = {
    "Northern League": (
        "Alderport", "Brackenfield", "Coldwater", "Dunmere", "Eastmoor", "Fernhill", "Greyhaven", "Hollowick",
    ),
    "Harbour League": (
        "Port Amber", "Blue Quay", "Cape Lantern", "Driftwood", "Old Ferry", "Gull Rock", "Saltmarsh", "Tidewater",
    ),
    "Highland Cup": (
        "Ashpeak", "Birchglen", "Craggan", "Deepvale", "Elk Ridge", "Frostburn", "Larkfell", "Stonebrook",
    ),
    "River League": (
        "Ambleford", "Bendwater", "Clearbrook", "Deltaville", "Millrace", "Oxbow", "Reedham", "Three Bridges",
    ),
}  # fmt: skip

# Matches of a league that are played or about to be.
AT_A_TIME = 3
# A step is half a minute of play: a match takes about three minutes where a step is a second.
STEPS_PER_MINUTE = 2
HALF_TIME_STEPS = 12
# How long before it begins a match is announced, and how long after its end it is shown, in milliseconds.
ANNOUNCED_MS = 20_000
SHOWN_MS = 150_000
GOALS_PER_MINUTE = 0.032
YELLOW_PER_MINUTE = 0.035
RED_PER_MINUTE = 0.0015
PLAYING = ("first half", "second half")
FIELDS = ("league", "home", "away", "phase", "minute", "homeGoals", "awayGoals", "events", "kickoff", "at")


class Sports:
    """@param rows what the table holds, by key"""

    def __init__(self, rng, rows, now):
        self._rng = rng
        ours = [(key, row) for key, row in sorted(rows.items()) if is_match(row)]
        self._matches = {key: Match(row) for key, row in ours}
        self._number = max([number_of(key) for key in rows] + [0])
        is_new = not self._matches
        for league in LEAGUES:
            self._fill(league, now)
        if is_new:
            self._begin_in_the_middle(now)

    def step(self, now, present=None):
        """
        The next step's changes of the table, or None, and what the ticker tells. With `present`, the keys that the table holds:
        every row as a whole, and no others.
        """
        changes, told, gone = {}, [], []
        for key, match in list(self._matches.items()):
            news = match.step(self._rng, now, told)
            if news:
                changes[key] = news
            if match.row["phase"] == "finished" and now - match.row["at"] >= SHOWN_MS:
                del self._matches[key]
                changes.pop(key, None)
                gone.append(key)
        made = [key for league in LEAGUES for key in self._fill(league, now)]
        if present is not None:
            made = list(self._matches)
            gone = sorted(set(present) - set(made))
        step = {
            "set": {key: dict(self._matches[key].row) for key in made},
            "patch": {key: news for key, news in changes.items() if key not in made},
            "delete": gone,
        }
        step = {name: part for name, part in step.items() if part}
        return step or None, told

    def _fill(self, league, now):
        """New matches of those who have none, until there are enough. Gives their keys."""
        made = []
        ours = [match.row for match in self._matches.values() if match.row["league"] == league]
        playing = [row for row in ours if row["phase"] != "finished"]
        busy = {row[side] for row in playing for side in ("home", "away")}
        free = [team for team in LEAGUES[league] if team not in busy]
        for _ in range(AT_A_TIME - len(playing)):
            home, away = self._rng.sample(free, 2)
            free = [team for team in free if team not in (home, away)]
            self._number += 1
            key = "m%d" % self._number
            kickoff = now + int(ANNOUNCED_MS * self._rng.uniform(0.5, 1.5))
            self._matches[key] = Match(
                dict(league=league, home=home, away=away, phase="coming", minute=0, homeGoals=0, awayGoals=0, events=[],
                     kickoff=kickoff, at=now)
            )  # fmt: skip
            made.append(key)
        return made

    def _begin_in_the_middle(self, now):
        """Whoever looks first finds matches under way, each at another minute."""
        for index, match in enumerate(self._matches.values()):
            match.row["kickoff"] = now
            for _ in range((index % AT_A_TIME) * 70 + self._rng.randrange(60)):
                match.step(self._rng, now, [])


class Match:
    def __init__(self, row):
        self.row = row
        self._steps = 0
        self._added = None

    def step(self, rng, now, told):
        """One step of it. Gives the fields that are new."""
        before = dict(self.row)
        phase = self.row["phase"]
        if phase == "coming" and now >= self.row["kickoff"]:
            self._enter("first half", told)
        elif phase == "half time":
            self._steps += 1
            if self._steps >= HALF_TIME_STEPS:
                self.row["minute"] = 45
                self._enter("second half", told)
        elif phase in PLAYING:
            self._play(rng, told)
        news = {name: value for name, value in self.row.items() if value != before[name]}
        if news:
            self.row["at"] = news["at"] = now
        return news

    def _enter(self, phase, told):
        self.row["phase"] = phase
        self._steps = 0
        self._added = None
        words = {"first half": "kick-off", "half time": "half time", "finished": "full time"}.get(phase)
        if words is not None:
            told.append(self._entry(words, self.row["minute"]))

    def _play(self, rng, told):
        row = self.row
        is_first = row["phase"] == "first half"
        if self._added is None:
            self._added = rng.randint(0, 3) if is_first else rng.randint(1, 6)
        self._steps += 1
        if self._steps % STEPS_PER_MINUTE == 0:
            row["minute"] += 1
        if row["minute"] >= (45 if is_first else 90) + self._added:
            return self._enter("half time" if is_first else "finished", told)
        for kind, per_minute in (("goal", GOALS_PER_MINUTE), ("yellow card", YELLOW_PER_MINUTE), ("red card", RED_PER_MINUTE)):
            if rng.random() < per_minute / STEPS_PER_MINUTE:
                self._happen(rng, kind, told)

    def _happen(self, rng, kind, told):
        row = self.row
        side = "home" if rng.random() < 0.54 else "away"
        # The keeper wears 1.
        event = {"minute": row["minute"] + 1, "kind": kind, "side": side, "player": rng.randint(2 if kind == "goal" else 1, 23)}
        row["events"] = row["events"] + [event]
        if kind == "goal":
            row[side + "Goals"] += 1
        if kind != "yellow card":
            told.append(dict(self._entry(kind, event["minute"]), side=side, player=event["player"]))

    def _entry(self, kind, minute):
        row = self.row
        shown = {name: row[name] for name in ("league", "home", "away", "homeGoals", "awayGoals")}
        return dict(shown, kind=kind, minute=minute)


def is_match(row):
    return row.get("league") in LEAGUES and all(field in row for field in FIELDS)


def number_of(key):
    return int(key[1:]) if key[:1] == "m" and key[1:].isdigit() else 0
