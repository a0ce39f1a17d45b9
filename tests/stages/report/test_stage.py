import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from tests.browser import check_layout
from tests.stages.report.conftest import ROWS, START, make_predictions, results
from tests.stages.report.test_sliding import TEXTS, write
from vouch.core.errors import VouchError
from vouch.stages.report.stage import SECTIONS, past_figures

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """Collects elements and what they refer to; complains of elements left open."""

    VOID = frozenset(["meta", "img", "br", "link", "input", "hr"])

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, name):
        return [attrs[name] for _, attrs in self.found if name in attrs]


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_every_section_is_there_and_in_the_contents(page):
    tags = Tags(page)
    for name in {section for section, _ in SECTIONS} - {"corrections"}:
        assert name in tags.values("id")
        assert f"#{name}" in tags.values("href")
    assert len(tags.values("id")) == len(set(tags.values("id")))


def test_the_page_loads_nothing_and_runs_nothing(page):
    tags = Tags(page)
    assert "script" not in {tag for tag, _ in tags.found}
    assert all(ref.startswith("data:image/") for ref in tags.values("src"))
    assert all(ref.startswith("#") for ref in tags.values("href"))
    assert "@import" not in page
    assert "url(" not in page
    assert all(alt for alt in tags.values("alt"))
    assert len(tags.values("alt")) == len(tags.values("src"))
    assert len(page.encode()) < 3_000_000


def test_the_same_files_give_the_same_bytes(inputs, page):
    assert inputs.page() == page


def test_the_summary_comes_first_and_in_plain_words(inputs):
    page = inputs.page()
    assert inputs.told["summary"] == [
        "400 rows worth 3.43 million from 1 file, 1 Jan 2024 to 17 Jan 2024 15:00.",
        "5 rows were set aside because they failed a check.",
        "The best of 12 candidates is of type XGBoost (trial 11, found by TPE).",
        "Against true labels, on the holdout, its average precision is 0.580 (0.530 to 0.630), "
        "from 12 positives among 3,000 rows; too few to be sure.",
        "Against the rule's labels, on the holdout, its average precision is 0.960 (0.910 to "
        "1.010), from 120 positives among 3,000 rows.",
        "Out of fold, against true labels, the rule alone reaches an average precision of 0.027 "
        "(-0.023 to 0.077), the model 0.610 (0.560 to 0.660).",
        "fraud-shop version 2 is the new champion.",
        "It beats the rule by 0.55.",
    ]
    places = [page.index(f"<p>{text[:16]}") for text in inputs.told["summary"]]
    assert places == sorted(places)
    assert places[-1] < page.index('<h2 id="ingest"')


def test_too_few_cases_are_said_loudly(inputs):
    page = inputs.page()
    assert (
        "rest on only 12 positives among 3,000 rows: too few to tell good from lucky"
        in inputs.told["warnings"][0]
    )
    assert page.index("Mind this before relying on it") < page.index('<h2 id="ingest"')
    assert "only 12 frauds are in the holdout" in page


def test_it_says_what_counts_together(inputs):
    measured = inputs.summaries["evaluation"]["holdout"]["truth"]
    measured["evidence"] = {"columns": ["payer"], "clusters": 2_500, "effective": 3.2}
    text = text_of(inputs.page())
    assert "Payments of one account are not independent evidence of each other" in text
    assert "2,500 accounts; the positives, or the rarest class, weigh as much as 3 of" in text
    measured["evidence"] = {"columns": [], "clusters": 3_000, "effective": 12.0}
    text = text_of(inputs.page())
    assert "The source declares no payer and no payee, so payments count as independent" in text


def test_the_intervals_confidence_is_told_where_an_answer_has_another(inputs):
    assert "Intervals are of 95 % confidence." in text_of(inputs.page())
    inputs.summaries["evaluation"]["holdout"]["bootstrap"] = {"repeats": 400, "confidence": 0.9}
    assert "of 95 %, the holdout" in text_of(inputs.page())


def test_no_number_has_many_digits(inputs):
    for name, value in (("average_precision", 0.123456789012345), ("roc_auc", 1 / 3)):
        inputs.summaries["evaluation"]["holdout"]["truth"][name]["value"] = value
    assert not re.findall(r"\d\.\d{6,}", text_of(inputs.page()))


def test_shares_flagged_are_those_of_the_scored_rows(page):
    text = text_of(page)
    scored = text[text.index("Scored rows") : text.index("All rows, by type")]
    assert scored.split()[2] == "200"
    # a tenth is flagged by rule and model, 4 of 200 by truth
    assert scored.split().count("10.0") == 2
    assert "2.00 %" in scored


def test_hostile_data_is_text(inputs):
    inputs.rows.loc[:9, "type"] = HOSTILE
    inputs.explanations["condition"] = HOSTILE
    inputs.explanations["id"] = HOSTILE
    inputs.declaration["description"] = HOSTILE
    said = inputs.summaries
    said["ingested"]["files"][0]["name"] = HOSTILE
    said["evaluation"]["warnings"] = [HOSTILE]
    said["validated"]["expectations"][0]["examples"] = [HOSTILE]
    said["labelled"]["by_source"][HOSTILE] = said["labelled"]["by_source"]["rule"]
    said["registration"]["gate"]["reasons"] = [HOSTILE]
    said["registration"]["digests"] = {HOSTILE: HOSTILE}
    page = inputs.page()
    tags = Tags(page)
    assert "script" not in {tag for tag, _ in tags.found}
    assert not tags.values("onerror")
    assert page.count("&lt;script&gt;alert") >= 8


def test_no_truth_renders(inputs):
    for part in ("out_of_fold", "holdout"):
        nothing = inputs.summaries["evaluation"][part]["truth"]
        for name in ("average_precision", "roc_auc", "precision_at_capacity", "cost"):
            nothing[name] = {"value": None, "interval": None}
        nothing |= {"positives": 0, "rows": 0, "too_few": True}
        nothing["reason"] = "the truth of no row is known"
    curves = {"precision_recall": [], "roc": [], "calibration": []}
    inputs.summaries["evaluation"]["curves"] = {"kind": "rule", **curves}
    del inputs.declaration["truth"]
    text = text_of(inputs.page())
    assert "nothing can be said: the truth of no row is known" in text
    assert "None" not in text
    assert "nan" not in text.lower().split()


def test_the_rule_itself_is_measured_beside_the_model(page):
    text = text_of(page)
    assert "The rule itself, against truth on the same rows: average precision 0.027" in text
    assert "recall 0.936 (0.900 to 0.960)" in text


def test_a_holdout_too_small_shows_what_it_found_and_says_so(inputs):
    holdout = inputs.summaries["evaluation"]["holdout"]
    holdout |= {"status": "too_small", "reason": "the holdout has 12 positives"}
    text = text_of(inputs.page())
    assert "Too small the holdout has 12 positives." in text
    assert "0.580 (0.530 to 0.630) too few" in text


def test_a_refused_holdout_renders_with_its_reason(inputs):
    evaluation = inputs.summaries["evaluation"]
    evaluation["holdout"] = {
        "status": "refused",
        "question": None,
        "truth": None,
        "rule": None,
        "rule_comparison": None,
        "rule_comparison_reason": "",
        "bootstrap": None,
        "reason": "the holdout is spent: 20 of 20 questions asked",
    }
    inputs.summaries["registration"]["gate"] = {
        "better": False,
        "promoted": False,
        "mode": "enabled",
        "reasons": ["No promotion: the holdout refused to answer."],
    }
    text = text_of(inputs.page())
    assert "The holdout refused to answer: the holdout is spent" in text
    assert "Against true labels, out of fold, its average precision is 0.610" in text
    assert "fraud-shop version 2 was registered, not promoted." in text
    assert "None" not in text


@pytest.mark.parametrize("column", ["amount", "time", "type"])
def test_a_source_without_a_column_renders(inputs, column):
    inputs.rows = inputs.rows.copy()
    predictions = inputs.write()["predictions"]
    import pandas as pd

    inputs.predictions = pd.read_parquet(predictions).drop(columns=[column], errors="ignore")
    inputs.rows = inputs.rows.drop(columns=[column])
    assert "None" not in text_of(inputs.page())


def test_no_explanation_renders(inputs):
    inputs.explanations = inputs.explanations.head(0)
    page = inputs.page()
    assert "No case was explained." in page
    Tags(page)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("ingested", "rejects"),
        ("validated", "counts"),
        ("labelled", "by_source"),
        ("extracted", "until"),
        ("leaderboard", "folds"),
        ("evaluation", "out_of_fold"),
        ("registration", "gate"),
    ],
)
def test_a_renamed_field_is_an_error_that_names_file_and_field(inputs, name, field):
    content = inputs.summaries[name]
    content[f"{field}_2"] = content.pop(field)
    with pytest.raises(VouchError, match=rf"{name}\.json: .*{field}_2"):
        inputs.page()


def test_poor_explanations_are_shown_as_poor(page):
    assert page.count('<article class="case poor">') == 1
    assert page.count('<article class="case">') == 2
    assert page.count(">unstable</span>") == page.count(">TreeSHAP disagrees</span>") == 1


def test_cases_that_cover_the_model_come_last(page):
    kinds = ("The riskiest cases", "The least certain", "Cases that together cover the model")
    assert [page.index(kind) for kind in kinds] == sorted(page.index(kind) for kind in kinds)
    assert page.count("of what matters</span>") == 1
    assert "with those above 62.5% of what matters" in page.replace("\u00a0", "").replace(" %", "%")


def test_what_holds_stands_before_both_methods_parts_of_it(page):
    section = page[page.index('<h2 id="explain">') :]
    case = section[section.index("<article") : section.index("</article>")]
    places = [case.index(text) for text in ("the amount is 1,250,000", "+0.400", "+2.000")]
    assert places == sorted(places)
    assert case.count("the amount is") == 3
    assert "from -4.500 to 3.250" in case
    assert "LIME and TreeSHAP share some" in case
    assert page.count("poor explanation") == 1


def test_lineage_goes_from_file_to_version(page):
    lineage = page[page.index('id="lineage"') :]
    for what in ("ab" * 32, "d41d8cd9", "f" * 40, "0123abcd", "models:/fraud-shop/2"):
        assert what in lineage


def test_the_page_is_readable_at_every_width(page, tmp_path):
    assert check_layout(page, tmp_path) > 10


def compared(inputs, **changes):
    """Make the holdout's answer one of a comparison, as it is where truth comes by itself."""
    holdout = inputs.summaries["evaluation"]["holdout"]
    counts = {"rows": 3_000, "positives": 40, "chance": 0.01, "too_few": False}
    rounded = {"average_precision": {"value": 0.58, "interval": [0.47, 0.69]}}
    result = {"metric": "average_precision", "rival": "rule", "difference": None, "promote": True}
    holdout |= {
        "mechanism": "comparison",
        "guarantee": "certified",
        "truth": counts | rounded,
        "rule": counts,
        "rule_comparison": result | {"level": 0.0204, "detectable": 0.0812},
    } | changes


def test_a_comparison_tells_its_bit_its_rounded_figure_and_what_is_guaranteed(inputs):
    compared(inputs)
    text = text_of(inputs.page())
    assert "The average precision is better than the rule’s." in text
    assert "takes a p-value of 0.020 or less; a difference of 0.081 is noticed" in text
    assert "On the holdout it is about 0.580 (0.470 to 0.690)" in text
    assert "the error stated holds however the questions were chosen" in text
    assert "Against true labels, out of fold, its average precision is 0.610" in text
    assert "None" not in text


def test_of_a_model_that_is_not_promoted_no_figure_of_the_holdout_is_shown(inputs):
    compared(inputs)
    holdout = inputs.summaries["evaluation"]["holdout"]
    del holdout["truth"]["average_precision"]
    holdout["rule_comparison"]["promote"] = False
    holdout["guarantee"] = "none"
    text = text_of(inputs.page())
    assert "The average precision is not surely better than the rule’s." in text
    assert "exact figures were told of these rows too" in text
    assert "On the holdout it is about" not in text


def test_labels_that_came_after_the_holdout_began_are_counted(inputs):
    assert "after the holdout began" not in text_of(inputs.page())
    counts = {"left_out": 363, "by_rule": 360, "unlabelled": 2, "changed": 0, "decided": 7}
    inputs.summaries["extracted"]["late"] = counts
    page = text_of(inputs.page())
    assert "the true labels of 363 rows came by themselves after the holdout began" in page
    assert "360 rows train with the rule’s label instead." in page
    assert "1 row trains with an earlier true label. 2 rows only measure." in page
    assert "7 rows train with decisions given since" in page
    counts["changed"] = 1
    assert "earlier true label; that of 1 row is another one by now." in text_of(inputs.page())
    counts = {"left_out": 1, "by_rule": 1, "unlabelled": 0, "decided": 0}
    inputs.summaries["extracted"]["late"] = counts
    page = text_of(inputs.page())
    assert "the true label of 1 row came by itself after the holdout began" in page
    assert "Out of fold it measures all the same. 1 row trains with the rule’s label" in page
    assert "earlier true label" not in page and "only measure" not in page
    assert "decisions given since" not in page
    counts = {"left_out": 0, "by_rule": 0, "unlabelled": 0, "decided": 1}
    inputs.summaries["extracted"]["late"] = counts
    page = text_of(inputs.page())
    assert "1 row trains with decisions given since" in page
    assert "after the holdout began" not in page


def test_the_past_is_drawn_where_truth_came_late(inputs):
    assert "As it would have been reported" not in inputs.page()
    truth = make_predictions(inputs.rows)
    frauds = (np.arange(len(truth)) % 5 == 0).astype("int8")
    late = pd.DataFrame({"entity": truth["id"], "label": frauds})
    late = late.assign(source="chargeback", actor="shop", in_force=True)
    late["issued_at"] = truth["time"] + pd.Timedelta(40, "h")
    inputs.labels = pd.concat([inputs.labels, late], ignore_index=True)
    page = inputs.page()
    text = text_of(page)
    assert "As it would have been reported" in text
    assert "out-of-fold rows of the 3 days before it" in text
    assert page.count("at past dates, by what was known then and now") == 1
    assert inputs.page() == page


BLIND = {"period": "0123456789ab", "since": "2024-03-01T08:00:00", "by": "ann", "seen": False}


def test_the_measure_at_past_dates_is_withheld_while_blind(inputs):
    late = [(f"p{n:04d}", n % 8 == 0, "chargeback", "bank", n, True) for n in range(ROWS)]
    names = ["entity", "label", "source", "actor", "hour", "in_force"]
    table = pd.DataFrame(late, columns=names).astype({"label": "int8"})
    hours = pd.to_timedelta(table.pop("hour") + 48, unit="h")
    inputs.labels = table.assign(issued_at=(START + hours).astype("datetime64[us]"))
    assert "As it would have been reported" in inputs.page()
    inputs.summaries["evaluation"]["blind"] = BLIND
    assert "As it would have been reported" not in inputs.page()


def test_so_it_is_for_a_use_case_of_classes(inputs, tmp_path):
    random = np.random.default_rng(1)
    rows = [(hour, *random.dirichlet([1, 1, 1])) for hour in range(60)]
    issues = [(n, n % 3, "given", n + 5 + 20 * (n % 2), True) for n in range(60)]
    predictions, labels = write(tmp_path, rows, issues)
    evaluation = inputs.summaries["evaluation"]
    evaluation["metric"] = "macro_recall"
    inputs.summaries["extracted"] |= {"as_of": "2024-02-01T00:00:00", "delay_seconds": None}
    assert past_figures(predictions, labels, TEXTS, results(inputs.summaries))
    evaluation["blind"] = BLIND
    assert past_figures(predictions, labels, TEXTS, results(inputs.summaries)) is None
