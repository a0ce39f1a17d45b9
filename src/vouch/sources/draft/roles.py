"""Which role each column of a table seems to play, from its name and its values."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vouch.core.errors import VouchError
from vouch.sources.declaration import Role
from vouch.sources.draft.facts import ZONES, Facts

Usecase = Literal["fraud", "sentiment"]
HISTORY = 3.0
"""Rows a name must come with on average before its history is worth a window."""
FEW_VALUES = 20
MANY_VALUES = 60
"""A text column of at most so many values, each of them frequent, is taken for a category."""
TELLING = 0.5
"""A column that explains so much of the label's entropy is suspected of saying the same."""
WORDY = 3.0
SECONDS = (900_000_000, 2_200_000_000)
"""Whole numbers within are taken for seconds since 1970: 1998 to 2039."""
MILLI = 1000
Explains = Callable[[Facts, Facts], float]
Options = dict[str, Any]
"""Fields of a column's declaration beside its role: name to value."""


@dataclass(frozen=True)
class Guess:
    """A column's guessed role.

    Attributes:
        column: The column's name in the file.
        role: What it seems to be.
        why: What the guess rests on.
        options: Further fields of its declaration.
        doubts: What must be confirmed before anything runs.
        score: How well it fits; the best of several columns gets the role.
    """

    column: str
    role: Role
    why: str
    options: Options = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    score: float = 0.0


Rule = Callable[[Facts], Guess | None]


def has(facts: Facts, words: str) -> bool:
    """Return whether a column's name has one of some words, whole."""
    return bool(re.search(rf"(?:^|_)(?:{words})(?:_|\d*$)", facts.snake))


LABELS = (
    r"(is_?)?fraud(ulent)?(_?(ind|flag|label|bool|yn))?|betrug|betrugsfall|label|class|target|"
    r"chargeback|is_?chargeback|is_?bad|bad|fraude|disputed|is_?scam|scam|rueckbuchung|is_?fraudulent|"
    r"suspicious|estafa|isfraud|frode|y|outcome|is_?suspicious"
)
GENUINE = r"(is_?)?(genuine|legit(imate)?|good|ok|valid|echt)"
NO_LABEL = (
    r"type|date|reason|scenario|amount|score|prob|rule|time|code|flagged|at|grund|datum|count|by"
    r"|rate|model|risk|days|status|gold|confidence|id"
)
SUSPECTS = (
    rf"{LABELS}|fraud\w*|chargebacks?|dispute\w*|betrug\w*|scam\w*|refund\w*|rueckbuchung|"
    r"rueckerstattung|investigat\w*|blocked|reported|fraude\w*|confirmed|storno|"
    r"rueckgabe|negativereason|isflaggedfraud"
)
SENTIMENTS = (
    r"sentiment|polarity|label|target|class|stimmung|satisfaction|mood|emotion|feeling|y|tone"
)
MOODS = frozenset(
    [
        "negative",
        "neutral",
        "positive",
        "neg",
        "neu",
        "pos",
        "mixed",
        "bad",
        "good",
        "negativ",
        "positiv",
        "negatif",
        "positif",
    ]
)
TEXTS = (
    r"text|tweet|review(_(text|body))?|comment|comments|message|content|body|kommentar|feedback|"
    r"sentence|post|nachricht|opinion|full_text|verbatim|commentaire|caption"
)
NO_TEXT = (
    r"id|date|title|headline|subject|count|created|at|time|score|author|user|betreff|language|lang"
)
IDS = (
    r"id|uuid|guid|hash|txid|tx_?hash|(transaction|transaktion|tx|trans|txn|payment|order|auth|"
    r"ticket|review|tweet|status|comment|event|record|booking|buchung|beleg|vorgang|charge|"
    r"operation|operacion|message|post|claim|auftrag|bestell|umsatz|rechnung|ref|reference|"
    r"transfer|trx|case)s?_?(id|nr|no|num|number|nummer|key|ref|code|sid|identifier)?|"
    r"buchungs(id|nummer)|vorgangsnummer|belegnummer|bestellnummer|transaktions(id|nummer)|"
    r"reference|referencia|referenz|ref"
)
TIMES = (
    r"time|date|datetime|timestamp|ts|at|when|created|zeit|zeitpunkt|datum|tag|day|fecha|heure|"
    r"wann|step|hour|dt|occurred|buchungstag|buchungsdatum|data|jour|hora|epoch|seconds|secs|"
    r"unix|posted|moment|uhrzeit|zeitstempel"
)
LATER_TIMES = (
    r"value|valuta|wertstellung|settle\w*|settlement|update\w*|modified|refund\w*|birth\w*|dob|"
    r"expir\w*|chargeback|due|shipp\w*|deliver\w*|signup|registered|since|end|closed|resolved|"
    r"geburt\w*|first|last|valor|valeur|answered|opened_account|fraud|dispute\w*|edited|valuedate"
)
AMOUNTS = (
    r"amount|amt|betrag|umsatz|summe|montant|importe|monto|valor|value|price|total|sum|paid|"
    r"gross|preis|kwota|importo|bedrag|betraege|amounts"
)
NO_AMOUNT = (
    r"age|alter|edad|fee|fees|tax|tip|shipping|balance|saldo|captured|refunded|discount|limit|"
    r"avg|mean|average|count|number|date|time|id|lat|lon|long|days|score|code|gas|type|currency|"
    r"name|category|unit|max|min|per|gebuehr|rate|quantity|qty|items|commission|comision|frais"
)
PAYERS: tuple[tuple[str, float], ...] = (
    (
        r"payer|(?<!.)from|sender|debtor|orig|originator|customer|kunde|kundennummer|kunden|client|"
        r"cliente|buyer|zahler|auftraggeber|ordering|cardholder|sendername|src|donneur|"
        r"remitter|policyholder|subscriber|msisdn",
        5,
    ),
    (
        r"user|member|card|karte|kartennummer|pan|tarjeta|carte|card\d|cc|wallet|cust|player|guest",
        4,
    ),
    (r"account|acct|konto|iban|kontonummer|auftragskonto|cuenta|compte|email", 3),
)
PAYEES: tuple[tuple[str, float], ...] = (
    (
        r"payee|receiver|recipient|beneficiary|creditor|dest|destination|merchant|haendler|"
        r"(?<!.)to|empfaenger|zahlungsempfaenger|beguenstigter|beguenstigte\w*|counterparty|"
        r"comercio|commercant|beneficiario|beneficiaire|destinataire|comerciante|zahlungsbeteiligter",
        5,
    ),
    (
        r"terminal|shop|store|vendor|seller|mid|laden|haendlername|agent|tienda|supplier|biller|till",
        4,
    ),
)
NO_PARTY = (
    r"age|alter|edad|type|typ|category|cat|country|state|city|gender|balance|saldo|bal|zip|"
    r"plz|brand|issuer|since|score|ip|device|lat|lon|long|risk|count|amount|date|time|at|"
    r"limit|network|currency|land|sex|status|segment|kind|level|tier|present|phone|reason|mcc|"
    r"bank|bic|job|dob|birth|population|name_length|first|last|street|tenure|days|rating|address_type"
    r"|category_code|region|domain|emaildomain|pais|verified|language|model|entry"
)
BALANCE = r"balance|bal|saldo|kontostand|oldbalance|newbalance|solde"
AFTER = r"new|after|neu|nach|saldo|post|closing|end"
BEFORE = r"old|before|alt|vor|pre|opening|start"
AUTHORS: tuple[tuple[str, float], ...] = (
    (
        r"author|user|username|screen_name|handle|reviewer|verfasser|autor|user_?id|user_?name|auteur",
        5,
    ),
    (r"customer|name|kunde|account|sender|client|reporter|poster", 3),
)
NO_AUTHOR = (
    r"timezone|location|reply|followers|description|verified|created|count|lang|age|gender|title|"
    r"product|friends|country|plan|segment|zone|to"
)
ASSETS = (
    r"asset|crypto|product|asin|airline|brand|company|ticker|symbol|coin|entity|topic|produkt|"
    r"item|app|hotel|movie|business|restaurant|store|stock|produit|artikel|filiale"
)
NO_ASSET = r"version|title|price|category|type|count|rating|date|url|parent"
CODES = r"code|mcc|type|kind|zone|status|flag|category|cat|class|region|weekday|brand|cd|kategorie"
AGES = r"age|alter|edad|dob_year|years?"
INDEX = r"|index|unnamed_\d+|row|row_?(nr|no|num|number|id)|nr|lfd_?nr|no|idx|zeile|line"


def guess_usecase(facts: Iterable[Facts]) -> Usecase:
    """Return whether a table is one of payments or of texts.

    Args:
        facts: What its columns' values show.

    Returns:
        ``sentiment`` where a column holds texts and none is named like an amount of money, or
        where one holds moods; else ``fraud``.
    """
    facts = tuple(facts)
    texts = any(_text(each) for each in facts)
    money = any(_amount(each) for each in facts)
    moods = any(each.values and each.values <= MOODS for each in facts)
    named = any(has(each, "sentiment|polarity|stimmung|star_rating|stars") for each in facts)
    return "sentiment" if texts and (moods or named or not money) else "fraud"


def _nothing(_label: Facts, _column: Facts) -> float:
    return 0.0


def guess_roles(
    facts: Iterable[Facts], usecase: Usecase = "fraud", explains: Explains = _nothing
) -> tuple[Guess, ...]:
    """Return each column's role; one that only one may have goes to the one that fits best.

    Args:
        facts: What each column's values show.
        usecase: Whether the table is one of payments or of texts.
        explains: The share of the label's entropy that a column explains, 0 to 1.

    Returns:
        A guess for each column, in the given order.

    Raises:
        VouchError: No column could be the amount, or the text.
    """
    facts = tuple(facts)
    guesses: dict[str, Guess] = {}
    for rule in RULES[usecase]:
        _give(rule, facts, guesses)
    if usecase == "fraud":
        _need_amount(facts, guesses)
    elif not any(guess.role == "text" for guess in guesses.values()):
        raise _nothing_found("text", facts)
    _leave_out_suspects(facts, guesses, explains)
    rest = _other_of_texts if usecase == "sentiment" else _other
    return tuple(guesses.get(each.name) or rest(each) for each in facts)


def _give(rule: Rule, facts: tuple[Facts, ...], guesses: dict[str, Guess]) -> None:
    used = {guess.role for guess in guesses.values()}
    fitting = [guess for each in facts if each.name not in guesses and (guess := rule(each))]
    # max() keeps the first of several that fit equally well
    for role in dict.fromkeys(guess.role for guess in fitting if guess.role not in used):
        best = max((guess for guess in fitting if guess.role == role), key=lambda g: g.score)
        guesses[best.column] = best


def _nothing_found(role: str, facts: Iterable[Facts]) -> VouchError:
    return VouchError(
        f"no column could be the {role}; the columns are: {', '.join(f.name for f in facts)}",
        "write the declaration by hand, like data/sources/paysim.yaml",
    )


def _need_amount(facts: tuple[Facts, ...], guesses: dict[str, Guess]) -> None:
    if any(guess.role == "amount" for guess in guesses.values()):
        return
    for each in facts:
        if each.name not in guesses and _could_be_money(each):
            doubt = (
                f"columns.{each.name}: no column is named like an amount of money; "
                "is it this one, the first of varied numbers?"
            )
            why = "the first column of varied numbers"
            guesses[each.name] = Guess(each.name, "amount", why, doubts=(doubt,))
            return
    raise _nothing_found("amount", facts)


def _could_be_money(facts: Facts) -> bool:
    counted = is_index(facts) or has(facts, rf"{NO_AMOUNT}|{AGES}")
    return facts.numeric and facts.distinct > FEW_VALUES and not counted and not _moment(facts)


def is_index(facts: Facts) -> bool:
    """Return whether a column merely numbers the rows."""
    named = re.fullmatch(INDEX, facts.snake) or not facts.name.strip()
    return bool((facts.numeric and facts.whole == 1 and (facts.counting or not facts.name) and (
        named or facts.least in (0, 1)) and not has(facts, "id|transaction_id|tx_id")) or (
        not facts.name.strip()))  # fmt: skip


def is_binary(facts: Facts) -> bool:
    """Return whether a column says yes or no."""
    pairs = ({"0", "1"}, {"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"ja", "nein"})
    return bool(facts.values) and any(facts.values <= pair for pair in pairs)


def _label(facts: Facts) -> Guess | None:
    if not 1 <= facts.distinct <= 3 or facts.full < 0.5:
        return None
    genuine = bool(re.fullmatch(GENUINE, facts.snake))
    score = 4.0 if "fraud" in facts.snake or "betrug" in facts.snake else 3.0
    named = has(facts, LABELS) and not re.search(rf"(^|_)({NO_LABEL})(_|$)", facts.snake)
    if not (named or genuine) or facts.distinct > 2:
        return None
    if not (is_binary(facts) or facts.distinct == 2):
        return None
    options, doubts = _classes(facts, genuine=genuine)
    if has(facts, "chargeback|disputed|bad"):
        score = 2.0
    if genuine:
        score = 1.0
    why = "its name, and only " + " and ".join(sorted(facts.top))
    return Guess(facts.name, "label", why, {"optional": True, **options}, doubts, score)


YES = ("1", "true", "yes", "y", "t", "ja")
BAD = ("fraud", "fraudulent", "bad", "betrug", "scam", "chargeback", "suspicious")
GOOD = ("genuine", "legit", "legitimate", "good", "ok", "normal", "valid")


def _classes(facts: Facts, *, genuine: bool) -> tuple[Options, tuple[str, ...]]:
    """Return the label's values, class 0 (genuine) first, and whether that is in doubt."""
    seen = sorted(facts.values)
    place = f"columns.{facts.name}.values"
    if genuine and is_binary(facts):
        pairs = [(y, n) for y, n in zip(YES, ("0", "false", "no", "n", "f", "nein"), strict=True)]
        pair = next(list(p) for p in pairs if facts.values <= set(p))
        doubt = f"{place}: the name says the payment is genuine, so {pair[0]!r} is no fraud. Right?"
        return {"values": pair}, (doubt,)
    if is_binary(facts):
        unnamed = has(facts, "class|target|y|outcome|label") and facts.values <= {"0", "1"}
        doubt = f"{place}: the name does not say which is which; is 1 a fraud, and 0 genuine?"
        if facts.values <= {"ja", "nein"}:
            return {"values": ["nein", "ja"]}, ()
        return {}, (doubt,) if unnamed else ()
    if len(seen) == 2 and (set(seen) & set(BAD) or set(seen) & set(GOOD)):
        ordered = sorted(seen, key=lambda v: v in BAD or (v not in GOOD and set(seen) & set(GOOD)))
        return {"values": ordered}, ()
    ordered = [value.lower() for value in facts.top[:2]]
    doubt = f"{place}: which is which? The rarer, {ordered[-1]!r}, is taken for fraud"
    return {"values": ordered}, (doubt,)


def _moment(facts: Facts) -> Options | None:
    """Return the fields of a time, or None for what is none."""
    if facts.iso > 0.98:
        return {}
    if facts.formats:
        return {"format": facts.formats[0]}
    named = has(facts, TIMES) or re.search(r"time|date|zeit|datum|_ts$|stamp", facts.snake)
    if facts.whole > 0.99 and named and facts.distinct > 1:
        if SECONDS[0] <= facts.least and facts.most <= SECONDS[1]:
            return {"unit": "epoch_s"}
        if SECONDS[0] * MILLI <= facts.least and facts.most <= SECONDS[1] * MILLI:
            return {"unit": "epoch_ms"}
    return None


def _time(facts: Facts) -> Guess | None:
    options = _moment(facts)
    if options is None:
        return _step(facts)
    if facts.full < 0.9 or re.search(r"birth|geburt|dob", facts.snake):
        return None
    named = has(facts, TIMES) or bool(re.search(r"time|date|zeit|datum|stamp", facts.snake))
    score = 5.0 + named * 2 + facts.midday * 1.5 - 4 * has(facts, LATER_TIMES)
    score += has(facts, "transaction|booking|order|created|tx|buchungstag|buchungsdatum|when")
    return Guess(facts.name, "time", _why_time(options), *_read_time(facts, options), score)


def _why_time(options: Options) -> str:
    if unit := options.get("unit"):
        return f"its name, and whole numbers: {unit}"
    return f"its values fit {options['format']}" if options else "its values are ISO times"


def _read_time(facts: Facts, options: Options) -> tuple[Options, tuple[str, ...]]:
    """Return a time's fields and what is in doubt about them."""
    place, example = f"columns.{facts.name}", facts.top[0] if facts.top else ""
    doubts = []
    if unit := options.get("unit"):
        since = {"epoch_s": "seconds", "epoch_ms": "milliseconds"}[unit]
        doubts.append(f"{place}.unit: are the numbers {since} since 1970 (such as {example})?")
    form = options.get("format", "")
    if other := _other_order(facts, form):
        doubts.append(f"{place}.format: {form} and {other} both fit (such as {example}): which?")
    named = next((zone for zone in ZONES if f" {zone}" in form), None)
    if named:
        options = {**options, "zone": ZONES[named]}
        doubts.append(f"{place}.zone: is {named} the time of {ZONES[named]}?")
    elif _local(facts, form):
        doubts.append(
            f"{place}.zone: the times name no zone and look local (such as {example}); they are "
            "read as UTC: which zone, such as zone: Europe/Berlin?"
        )
    return options, tuple(doubts)


def _other_order(facts: Facts, form: str) -> str | None:
    """Return the pattern with day and month exchanged, if that fits all values as well."""
    swapped = form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
    return swapped if swapped != form and swapped in facts.formats else None


def _local(facts: Facts, form: str) -> bool:
    if facts.zoned > 0.5 or not facts.midday:
        return False
    return (bool(form) and "UTC" not in form and "GMT" not in form) or facts.backwards


def _step(facts: Facts) -> Guess | None:
    if not (facts.whole == 1 or facts.numeric) or facts.rising < 0.95 or facts.least < 0:
        return None
    if facts.distinct < 2 or is_index(facts):
        return None
    kinds = (("1h", r"step|hours?|stunde"), ("1d", r"days?|tag"),
             ("1s", r"time|seconds?|secs?|dt|t|zeit|ts"))  # fmt: skip
    step = next((step for step, words in kinds if has(facts, words)), None)
    if step is None or facts.points > 0.01:
        return None
    first = {"first": 0} if facts.least == 0 else {}
    options = {"unit": "step", "step": step, "origin": "2024-01-01T00:00:00", **first}
    doubt = (
        f"columns.{facts.name}.origin: the file does not say when its first step began "
        f"({options['origin']} is made up), nor whether a step is {step}; do both fit?"
    )
    return Guess(facts.name, "time", "its name, and numbers that rise", options, (doubt,), 3.0)


def _balance(facts: Facts) -> Guess | None:
    if not (facts.numeric and (has(facts, BALANCE) or "balance" in facts.snake)):
        return None
    payee = bool(re.search(r"dest|payee|receiver|merchant|creditor|recipient|empf", facts.snake))
    before = bool(re.search(rf"(^|_)({BEFORE})|oldb", facts.snake))
    roles: dict[tuple[bool, bool], Role] = {
        (False, True): "payer_balance_before",
        (False, False): "payer_balance_after",
        (True, True): "payee_balance_before",
        (True, False): "payee_balance_after",
    }
    return Guess(facts.name, roles[payee, before], "its name")


def _identity(facts: Facts) -> Guess | None:
    once = facts.rows and facts.distinct == facts.rows and facts.full > 0.98
    if not once or facts.points > 0.01 or _moment(facts) is not None or facts.words > 2:
        return None
    if is_index(facts) and not has(facts, "id"):
        return None
    if re.search(r"[eE]\+\d", " ".join(facts.top)):
        return None
    if any(has(facts, words) for words, _ in (*PAYERS, *PAYEES)) and not has(
        facts, "transaction|tx|payment|order|transfer|charge"
    ):
        return None
    if not (has(facts, IDS) or re.search(r"(id|nummer|number|hash)$", facts.snake)):
        return None
    score = 3.0 + 2 * has(facts, r"id|hash|uuid") + has(facts, "transaction|tx|trans|payment")
    score -= 3 * has(facts, "end_to_end|parent|session|external|invoice|reply")
    return Guess(facts.name, "id", "its name, and no value comes twice", score=score)


def _amount(facts: Facts) -> Guess | None:
    if not facts.numeric or facts.distinct < 2 or is_binary(facts) or is_index(facts):
        return None
    named = has(facts, AMOUNTS) or bool(re.search(r"betrag|amount|umsatz", facts.snake))
    if not named or has(facts, NO_AMOUNT) or _moment(facts) is not None:
        return None
    score = 3.0 + 3 * has(facts, "amount|amt|betrag|montant|importe|monto|umsatz|kwota|importo")
    score += has(facts, "total|transaction") + (facts.points + facts.commas > 0.5)
    score += bool(re.fullmatch(AMOUNTS, facts.snake)) - 2 * has(facts, "original|orig|local")
    return Guess(facts.name, "amount", "its name, and numbers", *_read_amount(facts), score)


def _read_amount(facts: Facts) -> tuple[Options, tuple[str, ...]]:
    """Return an amount's sign, and what is in doubt about it."""
    place, doubts, options = f"columns.{facts.name}", [], {}
    if facts.negative > 0:
        sign = "negated" if facts.negative > 0.999 else "absolute"
        options["sign"] = sign
        doubts.append(
            f"{place}.sign: {facts.negative:.0%} of the amounts are negative: payments out, or "
            f"refunds? sign: {sign} is a guess (as_is, negated or absolute)"
        )
    if (facts.whole == 1 and has(facts, "minor|cents?|pence")) or (
        facts.whole == 1 and facts.most > 1e4
    ):
        doubts.append(
            f"{place}: whole numbers up to {facts.most:,.0f}: cents? Then mend costs, which are in "
            "the same unit"
        )
    return options, tuple(doubts)


def _party(role: Role, ranks: tuple[tuple[str, float], ...]) -> Rule:
    def rule(facts: Facts) -> Guess | None:
        rank = next((score for words, score in ranks if has(facts, words)), 0.0)
        lower = facts.snake
        if not rank and role == "payer":
            rank = 4.0 * bool(re.search(r"kunde|kredit?karte|^sender|nameorig", lower))
        if not rank and role == "payee":
            rank = 4.0 * bool(re.search(r"haendler|empfaenger|beguenstig|namedest|merchant", lower))
        if not rank or facts.distinct < 2 or is_binary(facts) or has(facts, NO_PARTY):
            return None
        if facts.points > 0.01 or _moment(facts) is not None or facts.full < 0.5 or is_index(facts):
            return None
        named = has(facts, "id|nr|no|number|nummer|key|code|iban|account")
        score = rank + 0.5 * named - 0.7 * has(facts, "name|email") * (facts.distinct < 2)
        score -= has(facts, "bic|parent|group") + 0.5 * has(facts, "name")
        history = facts.rows / facts.distinct >= HISTORY
        why = f"its name; {facts.distinct:,} names in {facts.rows:,} rows"
        return Guess(facts.name, role, why, {} if history else {"history": False}, (), score)

    return rule


def _text(facts: Facts) -> Guess | None:
    named = has(facts, TEXTS) and not has(facts, NO_TEXT)
    if facts.numeric or facts.words < WORDY or facts.distinct < min(0.3 * facts.rows, 50):
        return None
    if _moment(facts) is not None or has(facts, NO_TEXT):
        return None
    score = 5 * named + min(facts.words / 10, 3)
    return Guess(facts.name, "text", f"{facts.words:.0f} words on average", score=score)


def _mood(facts: Facts) -> Guess | None:
    """Return the label's guess for a column of at most three moods, or one named after moods."""
    moods = bool(facts.values) and facts.values <= MOODS
    named = has(facts, SENTIMENTS) and not re.search(rf"(^|_)({NO_LABEL})(_|$)", facts.snake)
    if not 1 <= facts.distinct <= (12 if moods else 3) or len(facts.values) > 3:
        return None
    if not (moods or named) or facts.full < 0.5 or has(facts, "gold|reason"):
        return None
    options, doubts = _moods(facts)
    why = "its name, and only " + ", ".join(sorted(facts.values))
    return Guess(
        facts.name, "label", why, {"optional": True, **options}, doubts, 3.0 + moods + named
    )


MOOD_NAMES = {
    "negative": ("negative", "neg", "bad", "negativ", "negatif"),
    "neutral": ("neutral", "neu", "mixed"),
    "positive": ("positive", "pos", "good", "positiv", "positif"),
}


def _moods(facts: Facts) -> tuple[Options, tuple[str, ...]]:
    """Return the label's values, negative first, and whether that is in doubt."""
    if facts.values <= MOOD_NAMES.keys():
        return {}, ()
    place = f"columns.{facts.name}.values"
    if facts.values <= MOODS:
        values = [next((v for v in names if v in facts.values), name)
                 for name, names in MOOD_NAMES.items()]  # fmt: skip
        return {"values": values}, ()
    seen = sorted(facts.values, key=_ordinal)
    between = ["neutral"] if len(seen) == 2 else seen[1:-1]
    ordered = [seen[0], *between, seen[-1]] if len(seen) > 1 else [seen[0], "neutral", "positive"]
    doubt = (
        f"{place}: which is which? {', '.join(ordered)} are taken for negative, neutral, positive"
    )
    return {"values": ordered}, (doubt,)


def _ordinal(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _author(facts: Facts) -> Guess | None:
    rank = next((score for words, score in AUTHORS if has(facts, words)), 0.0)
    if not rank or facts.distinct < 2 or has(facts, NO_AUTHOR) or (facts.numeric and facts.points):
        return None
    return Guess(facts.name, "author", "its name", score=rank + facts.full)


def _asset(facts: Facts) -> Guess | None:
    fits = has(facts, ASSETS) and not has(facts, NO_ASSET) and facts.distinct > 1
    if fits and not facts.numeric | (facts.words > WORDY):
        return Guess(facts.name, "asset", "its name", score=facts.full)
    return None


def _confidence(facts: Facts) -> Guess | None:
    named = has(facts, r"confidence|certainty|konfidenz") and facts.full > 0.95
    if facts.numeric and named and facts.least >= 0 and facts.most <= 1:
        score = float(has(facts, SENTIMENTS))
        return Guess(
            facts.name, "label_confidence", "its name, and 0 to 1", {"optional": True}, (), score
        )
    return None


def _counts(role: Role, words: str) -> Rule:
    def rule(facts: Facts) -> Guess | None:
        fits = facts.numeric and facts.points == 0 and facts.least >= 0 and has(facts, words)
        counted = has(facts, "count|number|num") or facts.snake == role
        return Guess(facts.name, role, "its name, and counts", score=counted) if fits else None

    return rule


RULES: dict[Usecase, tuple[Rule, ...]] = {
    "fraud": (
        _label,
        _time,
        _balance,
        _amount,
        _identity,
        _party("payee", PAYEES),
        _party("payer", PAYERS),
    ),
    "sentiment": (
        _text,
        _mood,
        _time,
        _identity,
        _confidence,
        _counts("retweets", "retweets?|retweet|shares?|reposts?"),
        _counts("followers", "followers?"),
        _author,
        _asset,
    ),
}


def _leave_out_suspects(
    facts: tuple[Facts, ...], guesses: dict[str, Guess], explains: Explains
) -> None:
    """Leave out columns that may say what the label says, each with a doubt."""
    label = next((f for f in facts if f.name in guesses and guesses[f.name].role == "label"), None)
    for each in facts:
        if each.name in guesses or not each.distinct:
            continue
        share = explains(label, each) if label else 0.0
        named = has(each, SUSPECTS) and not has(each, "score|count|rate")
        if named or share > TELLING:
            guesses[each.name] = _suspect(each, label, share)


def _suspect(facts: Facts, label: Facts | None, share: float) -> Guess:
    why = f"explains {share:.0%} of {label.name}" if label and share > TELLING else "its name"
    doubt = (
        f"columns.{facts.name}: does it become known only with the truth ({why})? It is left out; "
        "give it a role only if it is known when the row is scored"
    )
    return Guess(facts.name, "ignore", f"a second label? {why}", doubts=(doubt,))


def _other(facts: Facts) -> Guess:
    if facts.distinct <= 1 or is_index(facts):
        why = "numbers the rows" if is_index(facts) else "one value or none"
        return Guess(facts.name, "ignore", why)
    if _moment(facts) is not None or facts.clock > 0.98 or _runs(facts):
        return Guess(facts.name, "ignore", "another time, or a count that runs on")
    if has(facts, "id|uuid|hash") and facts.distinct > FEW_VALUES:
        return Guess(facts.name, "ignore", "another id")
    if facts.numeric and not (_coded(facts) or is_binary(facts)):
        return Guess(facts.name, "number", "numbers")
    if _frequent(facts):
        seen = ", ".join(sorted(facts.top)[:FEW_VALUES])
        return Guess(facts.name, "category", f"few values: {seen}; add values: [...] if no others")
    return Guess(facts.name, "ignore", "nothing it could be")


def _runs(facts: Facts) -> bool:
    named = has(facts, rf"{TIMES}|block|number|time|days")
    return facts.whole == 1 and facts.rising == 1.0 and facts.distinct > 2 and named


def _coded(facts: Facts) -> bool:
    return facts.whole == 1 and facts.distinct <= MANY_VALUES and has(facts, CODES)


def _frequent(facts: Facts) -> bool:
    few = facts.distinct <= FEW_VALUES and facts.rows >= 2 * facts.distinct
    return few or (facts.distinct <= MANY_VALUES and facts.rows >= 10 * facts.distinct)


def _other_of_texts(facts: Facts) -> Guess:
    if has(facts, r"stars?|star_rating|rating|score") and facts.distinct <= FEW_VALUES:
        doubt = (
            f"columns.{facts.name}: does it say what the label says? It is left out; to learn from "
            "it make a column of negative, neutral and positive"
        )
        return Guess(facts.name, "ignore", "a rating", doubts=(doubt,))
    if facts.full < 0.5 or has(facts, "reply|coord|location|gold"):
        return Guess(facts.name, "ignore", "mostly empty, or about nothing that is scored")
    return _other(facts)


def _clocked(options: Options, clock: Facts) -> Options:
    """Return the options of a day whose time of day another column holds, in one format."""
    sample = clock.top[0]
    half = re.search(r"( ?)[AaPp][Mm]$", sample)
    if half is None and "format" not in options:
        return {"clock": clock.name}
    seconds = ["", ":%S"][sample.count(":") == 2] + ".%f" * ("." in sample)
    time_of_day = f"%I:%M{seconds}{half[1]}%p" if half else f"%H:%M{seconds}"
    day = options.get("format", "%Y-%m-%d")
    return {"clock": clock.name, "format": f"{day} {time_of_day}"}


def settle_clock(facts: tuple[Facts, ...], guesses: tuple[Guess, ...]) -> tuple[Guess, ...]:
    """Join a day with the column that holds its time of day.

    Args:
        facts: The columns.
        guesses: Their guesses.

    Returns:
        The guesses; where the time has no time of day and another column has, it names that one.
    """
    by_name = {each.name: each for each in facts}
    clock = next((f for f in facts if f.clock > 0.98 and f.full > 0.98), None)
    if clock is None:
        return guesses
    doubt = (
        "columns.{0}.clock: are {0!r} and {1!r} the day and the time of day of one moment? "
        "They are joined, and read as UTC without a zone"
    )
    return tuple(
        replace(
            guess,
            options=guess.options | _clocked(guess.options, clock),
            doubts=(*guess.doubts, doubt.format(guess.column, clock.name)),
        )
        if guess.role == "time" and not by_name[guess.column].midday and guess.column != clock.name
        else guess
        for guess in guesses
    )
