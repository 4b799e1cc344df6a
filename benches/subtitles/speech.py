"""Speech made by the script: words with times, speakers and channels. The same seed gives the same speech.

The lengths of words, clauses and sentences, the rates of speech and the pauses are drawn from distributions like those of
conversations: 120 to 220 words a minute, short pauses at commas, longer ones after sentences, turns of one to eight sentences."""

import random

from .lexicon import LEXICONS

BACKCHANNELS = ["Mhm.", "Yeah.", "Right.", "Okay.", "Sure."]


def noun_phrase(lexicon, random):
    if random.random() < 0.3:
        return [random.choice(lexicon.pronouns)]
    adjective = [random.choice(lexicon.adjectives)] if random.random() < 0.35 else []
    return [random.choice(lexicon.articles), *adjective, random.choice(lexicon.nouns)]


def clause(lexicon, random):
    words = [*noun_phrase(lexicon, random), random.choice(lexicon.verbs)]
    if random.random() < 0.3:
        words.append(random.choice(lexicon.adverbs))
    if random.random() < 0.7:
        words += noun_phrase(lexicon, random)
    while random.random() < 0.4:
        words += [random.choice(lexicon.prepositions), random.choice(lexicon.articles), random.choice(lexicon.nouns)]
    return words


def sentence(lexicon, random):
    words = [random.choice(lexicon.openers) + ","] if random.random() < 0.2 else []
    words += clause(lexicon, random)
    while random.random() < 0.5:
        if random.random() < 0.75:
            words[-1] += ","
        words += [random.choice(lexicon.conjunctions), *clause(lexicon, random)]
    words[-1] += random.choices([".", "?", "!"], [85, 11, 4])[0]
    return [words[0][0].upper() + words[0][1:], *words[1:]]


class Voice:
    """A speaker with a rate of speech."""

    def __init__(self, number, random):
        self.number, self.random = number, random
        self.rate = random.uniform(0.85, 1.2)

    def say(self, words, at):
        """Returns the words with times from `at` on, in seconds, and the time of the end."""
        said, draw = [], self.random.uniform
        for word in words:
            letters = sum(map(str.isalpha, word))
            end = at + (0.085 + 0.043 * letters) * draw(0.75, 1.3) / self.rate
            said.append({"text": word, "start": round(at, 3), "end": round(end, 3), "speaker": self.number})
            if word[-1] in ".?!":
                end += draw(0.15, 1.0) if self.random.random() < 0.9 else draw(1.0, 2.5)
            elif word[-1] == ",":
                end += draw(0.02, 0.4)
            elif self.random.random() < 0.06:
                end += draw(0.1, 0.5)
            else:
                end += draw(0.0, 0.06)
            at = end
        return said, at


def dialogue(language, count, seed):
    """Returns at least `count` words of two speakers who take turns, as a list of turns."""
    dice = random.Random(f"{language}{seed}")
    lexicon, voices = LEXICONS[language], [Voice(0, dice), Voice(1, dice)]
    turns, total, at = [], 0, 0.4
    while total < count:
        words = [word for _ in range(dice.randint(1, 8)) for word in sentence(lexicon, dice)]
        said, at = voices[len(turns) % 2].say(words, at)
        turns.append(said)
        total += len(said)
    return turns


def call(language, count, seed):
    """Returns the words of a call, with a channel for each side. The listener says a word now and then meanwhile."""
    dice = random.Random(f"call {language}{seed}")
    listeners = [Voice(0, dice), Voice(1, dice)]
    turns = []
    for turn in dialogue(language, count, seed):
        turns.append(turn)
        other = 1 - turn[0]["speaker"]
        for word in turn[8::17]:
            if dice.random() < 0.6:
                said, _ = listeners[other].say([dice.choice(BACKCHANNELS)], word["start"] + 0.1)
                turns.append(said)
    return turns
