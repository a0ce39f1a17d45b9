"""Tables as people export them, each with the roles its columns have, written down by hand.

``a|b`` means that either role is right. The first dozen were at hand while the draft was written;
those of ``HELD_OUT`` were written last and nothing was changed because of them.
"""

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

ROWS = 400
START = datetime(2024, 3, 1, 8, 0)
POSITIVE = [
    "great",
    "love",
    "happy",
    "best",
    "perfect",
    "smooth",
    "helpful",
    "thanks",
    "friendly",
    "fast",
]
NEGATIVE = [
    "awful",
    "late",
    "broken",
    "rude",
    "worst",
    "lost",
    "angry",
    "refund",
    "terrible",
    "slow",
]
PLAIN = [
    "the",
    "order",
    "flight",
    "was",
    "at",
    "home",
    "with",
    "my",
    "phone",
    "and",
    "the",
    "crew",
    "again",
    "today",
    "for",
    "us",
]


@dataclass(frozen=True)
class Table:
    """A made table: its file's name, how it is written, and its columns' true roles."""

    file: str
    roles: dict[str, str]
    write: Callable[[Path], None]


def _german(n: int, chance: random.Random) -> list[str]:
    when = START + timedelta(hours=5 * n)
    day = when.strftime("%d.%m.%Y")
    money = chance.lognormvariate(4, 1) * (-1 if chance.random() < 0.8 else 1)
    amount = f"{money:,.2f}".translate(str.maketrans(",.", ".,"))
    balance = f"{9000 + money * 3:,.2f}".translate(str.maketrans(",.", ".,"))
    shop = chance.choice(["REWE Markt", "Stadtwerke", "Bäckerei Groß", "Deutsche Bahn", "Miete"])
    kind = chance.choice(["Lastschrift", "Überweisung", "Kartenzahlung"])
    own = f"DE0212030000{chance.randrange(3):010d}"
    memo = f"Rechnung {n * 7} vom {day} Kd {chance.randrange(999)}"
    valuta = (when + timedelta(days=chance.randrange(2))).strftime("%d.%m.%Y")
    return [own, day, valuta, kind, shop, memo, amount, "EUR", balance]


def _psd2(n: int, chance: random.Random) -> list[str]:
    when = START + timedelta(hours=2 * n)
    amount = f"{chance.lognormvariate(3, 1):.2f}"
    payee = chance.randrange(40)
    return [
        f"{chance.getrandbits(64):016x}",
        f"E2E-{n:06d}",
        when.date().isoformat(),
        (when + timedelta(days=1)).date().isoformat(),
        amount,
        chance.choice(["EUR", "GBP"]),
        f"FR76{chance.randrange(60):018d}",
        f"NL91ABNA{payee:010d}",
        f"Shop {payee}",
        f"invoice {n} thank you",
        chance.choice(["PMNT", "ICDT", "RCDT"]),
        "booked",
    ]


def _stripe(n: int, chance: random.Random) -> list[str]:
    cents = int(chance.lognormvariate(8, 1))
    return [
        f"ch_{chance.getrandbits(70):x}",
        "charge",
        str(cents),
        str(cents if chance.random() < 0.9 else 0),
        str(int((START + timedelta(minutes=17 * n)).timestamp())),
        "usd",
        f"cus_{chance.randrange(90):04d}",
        chance.choice(["card", "sepa_debit", "link"]),
        f"Subscription no. {n} for plan {chance.randrange(99)}",
        chance.choice(["succeeded", "succeeded", "failed"]),
        chance.choice(["US", "DE", "FR", "GB"]),
        str(chance.randrange(100)),
        "true" if chance.random() < 0.05 else "false",
    ]


def _processor(n: int, chance: random.Random) -> list[str]:
    bad = chance.random() < 0.06
    return [
        str(int((START + timedelta(minutes=3 * n)).timestamp() * 1000 + chance.randrange(999))),
        f"A{chance.getrandbits(40):010x}",
        f"400000******{chance.randrange(120):04d}",
        f"{chance.randrange(50) + 8000000}",
        chance.choice(["5411", "5812", "4829", "5999"]),
        str(int(chance.lognormvariate(8, 1))),
        chance.choice(["00", "05", "51"]),
        chance.choice(["chip", "swipe", "ecom"]),
        chance.choice(["M", "N", "U"]),
        str(chance.randrange(20, 900)),
        "Y" if bad else "N",
        chance.choice(["stolen", "counterfeit"]) if bad else "",
    ]


def _excel(n: int, chance: random.Random) -> list[str]:
    when = START + timedelta(hours=3 * n)
    return [
        str(100001 + n),
        f"{when.month}/{when.day}/{when.year}",
        when.strftime("%I:%M:%S %p"),
        f"${chance.lognormvariate(6, 1.2):,.2f}",
        f"4111-{chance.randrange(70):04d}",
        chance.choice(["Walmart", "Target", "Shell", "Amazon", "Best Buy", "CVS"]),
        chance.choice(["Grocery", "Gas", "Online"]),
        chance.choice(["TX", "CA", "NY", "FL"]),
        str(chance.randrange(18, 90)),
        "Yes" if chance.random() < 0.05 else "No",
    ]


def _creditcard(n: int, chance: random.Random) -> list[str]:
    numbers = [f"{chance.gauss(0, 2):.9f}" for _ in range(28)]
    bad = "1" if chance.random() < 0.04 else "0"
    return [str(n // 2), *numbers, f"{chance.lognormvariate(3, 1):.2f}", bad]


def _ieee(n: int, chance: random.Random) -> list[str]:
    return [
        str(2987000 + n),
        "1" if chance.random() < 0.04 else "0",
        str(86400 + 31 * n + chance.randrange(30)),
        f"{chance.lognormvariate(4, 1):.3f}",
        chance.choice("WCHRS"),
        str(1000 + chance.randrange(90)),
        f"{chance.randrange(100, 600)}.0",
        chance.choice(["visa", "mastercard", "discover"]),
        chance.choice(["debit", "credit"]),
        f"{chance.randrange(100, 500)}.0",
        f"{chance.randrange(300)}.0" if chance.random() < 0.4 else "",
        chance.choice(["gmail.com", "yahoo.com", "hotmail.com", ""]),
        f"{chance.randrange(60)}.0",
        f"{chance.randrange(600)}.0",
        chance.choice(["T", "F", ""]),
        chance.choice(["desktop", "mobile"]),
    ]


def _orders(n: int, chance: random.Random) -> list[str]:
    when = START + timedelta(minutes=50 * n)
    bad = chance.random() < 0.06
    back = (when + timedelta(days=9)).isoformat() + "+01:00"
    return [
        f"SO-{n + 5000}",
        when.isoformat() + "+01:00",
        f"user{chance.randrange(90)}@example.org",
        str(chance.randrange(18, 80)),
        f"seller_{chance.randrange(25)}",
        f"{chance.lognormvariate(4, 1):.2f}",
        f"{chance.randrange(3, 20)}.90",
        str(chance.randrange(1, 30)),
        chance.choice(["DE", "FR", "IT", "PL"]),
        chance.choice(["card", "paypal", "invoice"]),
        f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
        "1" if bad else "0",
        back if bad else "",
    ]


def _crypto(n: int, chance: random.Random) -> list[str]:
    return [
        f"0x{chance.getrandbits(128):032x}",
        str(19000000 + n // 2),
        (START + timedelta(seconds=61 * n)).strftime("%Y-%m-%d %H:%M:%S UTC"),
        f"0x{chance.randrange(60):040x}",
        f"0x{chance.randrange(40):040x}",
        f"{chance.lognormvariate(0, 2):.6f}",
        str(chance.randrange(21000, 90000)),
        str(chance.randrange(10**9, 9 * 10**10)),
        chance.choice(["USDT", "ETH", "DAI"]),
        "1" if chance.random() < 0.05 else "0",
    ]


def words(mood: int, chance: random.Random, count: int = 9) -> str:
    """Make a sentence whose words tell its mood: 0 bad, 1 neither, 2 good."""
    vocabulary = [NEGATIVE, PLAIN, POSITIVE][mood]
    return " ".join(
        chance.choice(PLAIN if chance.random() < 0.6 else vocabulary) for _ in range(count)
    )


def _tweets(n: int, chance: random.Random) -> list[str]:
    mood = chance.randrange(3)
    return [
        str(1500000000000000000 + n * 977),
        (START + timedelta(minutes=7 * n)).strftime("%a %b %d %H:%M:%S +0000 %Y"),
        f"user_{chance.randrange(120)}",
        words(mood, chance),
        str(chance.randrange(90)),
        str(chance.randrange(5000)),
        chance.choice(["en", "en", "de"]),
        ["negative", "neutral", "positive"][mood],
    ]


def _reviews(n: int, chance: random.Random) -> list[str]:
    mood = chance.randrange(3)
    return [
        f"R{chance.getrandbits(44):011X}",
        f"B00{chance.randrange(30):07d}",
        f"A{chance.randrange(200):05d}",
        str(mood * 2 + 1 if chance.random() < 0.7 else min(5, mood * 2 + 2)),
        words(mood, chance, 3),
        words(mood, chance, 20),
        (START + timedelta(hours=9 * n)).date().isoformat(),
        chance.choice(["Y", "N"]),
        str(chance.randrange(40)),
    ]


def _support(n: int, chance: random.Random) -> list[str]:
    mood = chance.randrange(3)
    when = START + timedelta(minutes=33 * n)
    return [
        f"T-{n:05d}",
        when.strftime("%Y/%m/%d %H:%M"),
        chance.choice(["email", "chat", "phone"]),
        chance.choice(["Router X", "Phone Z", "Cloud"]),
        f"cust{chance.randrange(80)}",
        words(mood, chance, 14),
        ["-1", "0", "1"][mood],
    ]


def _csv(
    row: Callable[[int, random.Random], list[str]],
    header: tuple[str, ...],
    separator: str = ",",
    encoding: str = "utf-8",
    before: str = "",
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        chance, text = random.Random(path.name), io.StringIO()
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(row(n, chance) for n in range(ROWS))
        path.write_bytes((before + text.getvalue()).encode(encoding))

    return write


def _table(
    file: str,
    roles: dict[str, str],
    row: Callable[[int, random.Random], list[str]],
    separator: str = ",",
    encoding: str = "utf-8",
    before: str = "",
) -> Table:
    return Table(file, roles, _csv(row, tuple(roles), separator, encoding, before))


TABLES = (
    _table(
        "Umsatzanzeige.csv",
        {
            "Auftragskonto": "payer",
            "Buchungstag": "time",
            "Valuta": "ignore",
            "Buchungstext": "category",
            "Begünstigter/Zahlungspflichtiger": "payee",
            "Verwendungszweck": "ignore",
            "Betrag": "amount",
            "Währung": "ignore",
            "Saldo": "payer_balance_after",
        },
        _german,
        ";",
        "cp1252",
        "Umsatzanzeige;01.07.2024\n\nKonto;Girokonto\nZeitraum;01.03.2024 - 30.06.2024\n\n",
    ),
    _table(
        "psd2.csv",
        {
            "transactionId": "id",
            "endToEndId": "ignore",
            "bookingDate": "time",
            "valueDate": "ignore",
            "transactionAmount.amount": "amount",
            "transactionAmount.currency": "category",
            "debtorAccount.iban": "payer",
            "creditorAccount.iban": "payee|ignore",
            "creditorName": "payee|ignore",
            "remittanceInformationUnstructured": "ignore",
            "bankTransactionCode": "category",
            "bookingStatus": "ignore",
        },
        _psd2,
    ),
    _table(
        "stripe_charges.csv",
        {
            "id": "id",
            "object": "ignore",
            "amount": "amount",
            "amount_captured": "number",
            "created": "time",
            "currency": "ignore",
            "customer": "payer",
            "payment_method_type": "category",
            "description": "ignore",
            "status": "category",
            "card_country": "category",
            "risk_score": "number",
            "disputed": "label",
        },
        _stripe,
    ),
    _table(
        "auth_log.psv",
        {
            "log_ts": "time",
            "auth_id": "id",
            "pan_masked": "payer",
            "mid": "payee",
            "mcc": "category",
            "amt_minor": "amount",
            "resp_code": "category",
            "entry_mode": "category",
            "cvv_result": "category",
            "latency_ms": "number",
            "fraud_ind": "label",
            "fraud_reason": "ignore",
        },
        _processor,
        "|",
    ),
    _table(
        "card transactions.csv",
        {
            "Transaction ID": "id",
            "Transaction Date": "time",
            "Transaction Time": "ignore",
            "Amount (USD)": "amount",
            "Card Number": "payer",
            "Merchant Name": "payee",
            "Merchant Category": "category",
            "State": "category",
            "Customer Age": "number",
            "Is Fraud?": "label",
        },
        _excel,
        encoding="utf-8-sig",
    ),
    _table(
        "creditcard.csv",
        {
            "Time": "time",
            **{f"V{n}": "number" for n in range(1, 29)},
            "Amount": "amount",
            "Class": "label",
        },
        _creditcard,
    ),
    _table(
        "train_transaction.csv",
        {
            "TransactionID": "id",
            "isFraud": "label",
            "TransactionDT": "time",
            "TransactionAmt": "amount",
            "ProductCD": "category",
            "card1": "payer",
            "card2": "number|category",
            "card4": "category",
            "card6": "category",
            "addr1": "number|category",
            "dist1": "number",
            "P_emaildomain": "category",
            "C1": "number",
            "D1": "number",
            "M1": "category",
            "DeviceType": "category",
        },
        _ieee,
    ),
    _table(
        "orders.csv",
        {
            "order_number": "id",
            "order_date": "time",
            "customer_email": "payer",
            "customer_age": "number",
            "seller_id": "payee",
            "total_price": "amount",
            "shipping_cost": "number",
            "items": "number",
            "shipping_country": "category",
            "payment_method": "category",
            "ip_address": "ignore",
            "is_chargeback": "label",
            "refunded_at": "ignore",
        },
        _orders,
    ),
    _table(
        "transfers.csv",
        {
            "hash": "id",
            "block_number": "ignore|number",
            "block_timestamp": "time",
            "from_address": "payer",
            "to_address": "payee",
            "value": "amount",
            "gas": "number",
            "gas_price": "number",
            "token_symbol": "category",
            "is_scam": "label",
        },
        _crypto,
    ),
    _table(
        "tweets.csv",
        {
            "tweet_id": "id",
            "created_at": "time",
            "user": "author",
            "text": "text",
            "retweet_count": "retweets",
            "followers_count": "followers",
            "lang": "category",
            "sentiment": "label",
        },
        _tweets,
    ),
    _table(
        "reviews.tsv",
        {
            "review_id": "id",
            "product_id": "asset",
            "reviewer_id": "author",
            "star_rating": "ignore|number",
            "review_headline": "ignore",
            "review_body": "text",
            "review_date": "time",
            "verified_purchase": "category",
            "helpful_votes": "number",
        },
        _reviews,
        "\t",
    ),
    _table(
        "support.csv",
        {
            "ticket_id": "id",
            "opened_at": "time",
            "channel": "category",
            "product": "asset",
            "customer": "author",
            "message": "text",
            "satisfaction": "label",
        },
        _support,
    ),
)

BASE = {
    "tx_id": "id",
    "when": "time",
    "amount": "amount",
    "customer": "payer",
    "merchant": "payee",
    "channel": "category",
    "is_fraud": "label",
}
"""The columns of most of the shared cases."""
TEXTS = {"text": "text", "label": "label"}


def _but(**changed: str) -> dict[str, str]:
    return BASE | changed


def _without(*names: str) -> dict[str, str]:
    return {name: role for name, role in BASE.items() if name not in names}


SHARED: dict[str, dict[str, str]] = {
    **{
        f"cases/{file}": BASE
        for file in [
            "array.json",
            "base.csv",
            "base.csv.gz",
            "base.zip",
            "cr_only.csv",
            "dd-mm-yyyy.csv",
            "dollar.csv",
            "dst_naive.csv",
            "epoch.csv",
            "epoch_ms.csv",
            "few_dots.csv",
            "late_frauds.csv",
            "lines.json",
            "negative_out.csv",
            "one_class.csv",
            "one_fraud.csv",
            "oneblank.csv",
            "paren_negative.csv",
            "preamble.csv",
            "sep_line.csv",
            "shop.csv",
            "shop_later.csv",
            "two_digit_year.csv",
            "us_dates_ambiguous.csv",
            "utf16.csv",
            "utf16le_nobom.csv",
        ]
    },
    **{
        f"cases/named_{name}.csv": _but(**{name: "category"})
        for name in ("at", "expectation", "flagged", "reason", "source")
    },
    "cases/named_category.csv": _without("channel") | {"category": "category"},
    "cases/comma_amount_dot_lat.csv": _but(lat="number|ignore"),
    "cases/date_and_time.csv": _without("when") | {"date": "time", "time": "ignore"},
    "cases/digit_2_in_a_name.csv": _but(V1="number", V2="number"),
    "cases/flagged_01.csv": _but(flagged="category|number"),
    "cases/multiline.csv": _but(memo="category|ignore"),
    "cases/noid.csv": _without("tx_id", "is_fraud"),
    "cases/reason_partly.csv": _but(reason="category"),
    "cases/second_label.csv": _but(fraud_type="ignore", chargeback_date="ignore"),
    "cases/two_labels.csv": _but(chargeback="ignore"),
    "cases/true_false_genuine.csv": _without("is_fraud") | {"is_legit": "label"},
    "cases/yes_no_genuine.csv": _without("is_fraud") | {"genuine": "label"},
    "cases/unnamed_index.csv": {"": "ignore", **BASE},
    **{
        f"cases/texts_{name}.csv": TEXTS
        for name in ("01", "024", "123", "123f", "minus1", "minus1_float", "pos_neg")
    },
    "cases/texts_base.csv": {"id": "id", **TEXTS},
    "cases/texts_noid.csv": {"text": "text"},
    "cases/pdt.csv": {"id": "id", "when": "time", **TEXTS},
    "fraud/paysim_first_steps.csv": {
        "step": "time",
        "type": "category",
        "amount": "amount",
        "nameOrig": "payer",
        "oldbalanceOrg": "payer_balance_before",
        "newbalanceOrig": "payer_balance_after",
        "nameDest": "payee",
        "oldbalanceDest": "payee_balance_before",
        "newbalanceDest": "payee_balance_after",
        "isFraud": "label",
        "isFlaggedFraud": "ignore",
    },
    "fraud/card_transactions.parquet": {
        "TRANSACTION_ID": "id",
        "TX_DATETIME": "time",
        "CUSTOMER_ID": "payer",
        "TERMINAL_ID": "payee",
        "TX_AMOUNT": "amount",
        "TX_TIME_SECONDS": "ignore",
        "TX_TIME_DAYS": "ignore",
        "TX_FRAUD": "label",
        "TX_FRAUD_SCENARIO": "ignore",
    },
    "sentiment/tweeteval_train.csv": {"id": "id", **TEXTS},
    "sentiment/tweeteval_val.csv": {"id": "id", **TEXTS},
    "sentiment/airline_tweets.csv": {
        "tweet_id": "ignore",
        "airline_sentiment": "label",
        "airline_sentiment_confidence": "label_confidence",
        "negativereason": "ignore",
        "negativereason_confidence": "ignore",
        "airline": "asset",
        "airline_sentiment_gold": "ignore",
        "name": "author",
        "negativereason_gold": "ignore",
        "retweet_count": "retweets",
        "text": "text",
        "tweet_coord": "ignore",
        "tweet_created": "time",
        "tweet_location": "ignore",
        "user_timezone": "ignore|category",
    },
    "crypto/crypto_tweets.csv": {
        "crypto": "asset",
        "tweet_id": "id",
        "text": "text",
        "favorite_count": "number",
        "retweet_count": "retweets",
        "created_at": "time",
        "source": "category|ignore",
        "reply_to_status": "ignore",
        "reply_to_user": "ignore",
        "retweets": "number|ignore",
        "favorite": "number|ignore",
    },
}
"""The shared inputs, by their path below the folder that VOUCH_REAL_DATA names.

Left out: a table of market prices and one of judgments without a header, which are no sources; one
whose header names a column twice and one whose lines end with separators, which are errors.
"""
IMPORTANT = ("id", "time", "amount", "payer", "payee", "text", "author", "label")


def right(truth: dict[str, str], got: dict[str, str]) -> tuple[int, int]:
    """Count the columns whose drafted role is right, and all columns."""
    hits = sum(got.get(column) in role.split("|") for column, role in truth.items())
    return hits, len(truth)


def right_important(truth: dict[str, str], got: dict[str, str]) -> tuple[int, int]:
    """Count the important roles that are right, and those that are either true or drafted."""
    hits = total = 0
    for role in IMPORTANT:
        true = {column for column, roles in truth.items() if role in roles.split("|")}
        drafted = {column for column, each in got.items() if each == role}
        total += bool(true or drafted)
        hits += bool(true and drafted and drafted <= true)
    return hits, total


def _mobile(n: int, chance: random.Random) -> list[str]:
    return [
        f"RC{chance.getrandbits(36):09X}",
        (START + timedelta(minutes=11 * n)).strftime("%d-%b-%Y %H:%M:%S"),
        f"2547{chance.randrange(80):08d}",
        chance.choice(["Pay Bill", "Buy Goods", "Send Money"]),
        f"{chance.randrange(30) + 500000}",
        f"{chance.lognormvariate(6, 1):,.2f}",
        f"{chance.randrange(5, 90)}.00",
        f"{chance.lognormvariate(8, 1):,.2f}",
        chance.choice(["Completed", "Failed"]),
        "TRUE" if chance.random() < 0.05 else "FALSE",
    ]


def _spanish(n: int, chance: random.Random) -> list[str]:
    when = START + timedelta(hours=n)
    amount = f"{chance.lognormvariate(4, 1):,.2f}".translate(str.maketrans(",.", ".,"))
    return [
        str(900000 + n * 3),
        when.strftime("%d/%m/%Y %H:%M"),
        f"**** {chance.randrange(90):04d}",
        f"COM{chance.randrange(35):04d}",
        amount,
        chance.choice(["chip", "contactless", "banda"]),
        chance.choice(["Madrid", "Sevilla", "Bilbao"]),
        "S" if chance.random() < 0.05 else "N",
    ]


def _wire(n: int, chance: random.Random) -> list[str]:
    return [
        f"W{n:07d}",
        (START + timedelta(minutes=70 * n)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"DE{chance.randrange(50):020d}",
        f"Firma {chance.randrange(50)} GmbH",
        f"CH{chance.randrange(40):019d}",
        chance.choice(["CH", "AE", "SG"]),
        f"{chance.lognormvariate(8, 1):.2f}",
        chance.choice(["invoice", "salary", "loan", "gift"]),
        f"{chance.random():.3f}",
        "1" if chance.random() < 0.05 else "0",
    ]


def _app_reviews(n: int, chance: random.Random) -> list[str]:
    mood = chance.randrange(3)
    return [
        f"gp:{chance.getrandbits(60):x}",
        f"Person {chance.randrange(300)}",
        words(mood, chance, 16),
        str(chance.randrange(25)),
        chance.choice(["4.1.0", "4.2.1", "5.0.0"]),
        (START + timedelta(minutes=95 * n)).strftime("%Y-%m-%d %H:%M:%S"),
        ["neg", "neu", "pos"][mood],
    ]


HELD_OUT: tuple[Table, ...] = (
    _table(
        "mobile_money.csv",
        {
            "Receipt No.": "id",
            "Completion Time": "time",
            "Sender MSISDN": "payer",
            "Transaction Type": "category",
            "Till Number": "payee",
            "Amount": "amount",
            "Transaction Fee": "number",
            "Sender Balance": "payer_balance_after",
            "Transaction Status": "category",
            "Reported Fraud": "label",
        },
        _mobile,
    ),
    _table(
        "tpv.csv",
        {
            "operacion": "id",
            "fecha_hora": "time",
            "tarjeta": "payer",
            "comercio": "payee",
            "importe": "amount",
            "modo_entrada": "category",
            "ciudad": "category",
            "fraude": "label",
        },
        _spanish,
        ";",
    ),
    _table(
        "wires.csv",
        {
            "wire_ref": "id",
            "executed_at": "time",
            "ordering_iban": "payer",
            "ordering_name": "ignore|category",
            "beneficiary_iban": "payee",
            "beneficiary_country": "category",
            "amount_eur": "amount",
            "purpose": "category",
            "aml_score": "number",
            "confirmed_fraud": "label",
        },
        _wire,
    ),
    _table(
        "app_reviews.csv",
        {
            "reviewId": "id",
            "userName": "author",
            "content": "text",
            "thumbsUpCount": "number",
            "appVersion": "category",
            "at": "time",
            "polarity": "label",
        },
        _app_reviews,
    ),
)
