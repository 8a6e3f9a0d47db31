"""What every format reader gives back, a `Reading` of speaker turns, and the one error with which all refuse."""

import re
from dataclasses import dataclass
from enum import StrEnum

ACCEPTED = "VTT, SRT, TXT, JSON, DOCX or PDF"
MAX_BYTES = 25 * 1024 * 1024
MIN_CHARACTERS = 100
MAX_CHARACTERS = 250_000

# C0 and C1 controls except tab and line feed; PostgreSQL cannot store NUL and no reader wants the others.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u200b\u200e\u200f\u2028\u2029]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class UnreadableTranscript(Exception):
    """The file cannot be read as a transcript."""


class Format(StrEnum):
    """How the words were laid out in the file; the value is stored with the transcript."""

    WEBVTT = "webvtt"
    SRT = "srt"
    TEXT = "text"
    GONG_PASTE = "gong-paste"
    OTTER = "otter"
    ZOOM_CHAT = "zoom-chat"
    GONG_JSON = "gong-json"
    FIREFLIES_JSON = "fireflies-json"
    WHISPER_JSON = "whisper-json"
    DOCX = "docx"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said in one go; `start` is in seconds from the beginning of the recording."""

    speaker: str | None
    text: str
    start: float | None = None

    def render(self) -> str:
        """The turn as the line `[mm:ss] Name: text`; its further lines are indented, so that none looks like a turn."""
        head = [f"[{clock(self.start)}]"] if self.start is not None else []
        if self.speaker:
            head.append(f"{self.speaker}:")
        return " ".join([*head, self.text.replace("\n", "\n    ")])


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody whom the file itself lists, whether they spoke or not."""

    name: str
    organization: str | None = None
    role: str | None = None

    def render(self) -> str:
        """The line `- Name | role: ... | organization: ...` of the participants block."""
        facts = [
            f"role: {self.role}" if self.role else "",
            f"organization: {self.organization}" if self.organization else "",
        ]
        return " | ".join([f"- {self.name}", *filter(None, facts)])


@dataclass(frozen=True, slots=True)
class Reading:
    """One file as speaker turns, plus what its head says about the call."""

    format: Format
    turns: tuple[Turn, ...]
    title: str | None = None
    participants: tuple[Participant, ...] = ()

    @property
    def text(self) -> str:
        """The call as lines of text, for the model and for the local parser."""
        blocks = [f"Title: {self.title}"] if self.title else []
        if self.participants:
            blocks.append("\n".join(["Participants:", *(participant.render() for participant in self.participants)]))
        blocks.append("\n".join(turn.render() for turn in self.turns))
        return "\n\n".join(blocks)

    @property
    def speakers(self) -> tuple[str, ...]:
        """The speakers' names in the order of their first words."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns if turn.speaker))


def clock(seconds: float) -> str:
    """Seconds as `mm:ss`, from one hour on as `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


SPOKEN = (
    r"(?=\d{1,3} (?:hour|minute|second))(?:\d{1,2} hours?,? ?)?(?:\d{1,3} minutes?,? ?)?(?:\d{1,2} seconds?)?(?<=[ers])"
)
"""A time as Teams writes it out, such as `1 hour 2 minutes 5 seconds`; for use within other expressions."""
_UNITS = {"hour": 3600, "minute": 60, "second": 1}
_SPOKEN_PART = re.compile(r"(\d{1,3}) (hour|minute|second)")


def seconds_of(stamp: str) -> float:
    """The seconds of `ss`, `mm:ss`, `hh:mm:ss` with a fraction after a point or comma, or of `2 minutes 5 seconds`."""
    if spoken := _SPOKEN_PART.findall(stamp):
        return float(sum(int(number) * _UNITS[unit] for number, unit in spoken))
    total = 0.0
    for part in stamp.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def clean(text: str) -> str:
    """Text that every database and page can hold: no controls, no lone surrogates, one kind of line break."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def one_line(text: str) -> str:
    """The text cleaned, with every run of white space as one blank."""
    return " ".join(clean(text).split())


def named(filename: str) -> str:
    """The file's name as it may stand in a sentence: its last part, on one line, not too long."""
    name = one_line(re.split(r"[/\\]", filename)[-1]) or "The file"
    return name if len(name) <= 80 else f"{name[:60]}…{name[-16:]}"
