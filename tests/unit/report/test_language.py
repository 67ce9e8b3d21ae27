# ruff: noqa: RUF001 -- Chinese has commas and colons of its own
"""A document in another language: its messages are translated, its names and data stay."""

import pytest
from babel.messages.catalog import Catalog

from bench.model.message import Message, Recorded, listed, message, plural
from bench.report.html import to_html
from bench.report.language import spoken, translation
from bench.report.output import write_report
from docs.catalogue import problems

SAY = translation("zh")


def test_a_message_is_said_with_its_slots_in_the_other_language():
    text = message("{clients} at full speed").format(clients=plural(8, "client", "clients"))
    assert "8 clients at full speed" == text
    assert "8 个客户端全速读取" == SAY(text)


def test_a_name_that_reads_like_a_message_stays_a_name():
    assert "Gains" == SAY("Gains")
    assert "收益" == SAY(message("Gains"))


def test_a_message_without_a_translation_is_said_in_english():
    assert "3 of nothing known" == SAY(Message("{n} of nothing known").format(n=3))


def test_what_is_listed_has_the_other_languages_separator():
    parts = [message("reads"), Message("steady")]
    assert "reads, steady" == listed(parts)
    assert "读取，steady" == SAY(listed(parts))


@pytest.mark.parametrize(
    ("recorded", "translated"),
    [
        ("3 of 1,000 requests failed or timed out", "1,000 个请求中有 3 个失败或超时"),
        (  # two messages in one
            "3 of 9 writes were never seen in an answer; the audit log was not recorded",
            "9 次写入中有 3 次始终没有在答案中出现；没有记录审计日志",
        ),
        ("steady, direct, round 2: answers differ", "steady，direct，第 2 轮：答案不同"),
        ("nothing that any source says", "nothing that any source says"),
    ],
)
def test_a_text_from_a_file_is_recognised_by_its_pattern(recorded, translated):
    assert translated == SAY(Recorded(recorded))


def test_the_page_names_its_language_and_links_the_first_use_of_its_terms(document):
    page = to_html(spoken(document(), "zh"))
    assert '<html lang="zh">' in page
    assert '<a class="term" href="#term-空载基线">空载基线</a>' in page
    assert 'id="term-空载基线"' in page


def test_files_of_data_are_the_same_in_every_language(analysed, tmp_path):
    data, analysis = analysed()
    for language in ("en", "zh"):
        write_report(analysis, tmp_path / language, data, ("csv", "json", "markdown"), language)
    english, other = (
        {
            path.relative_to(tmp_path / language): path.read_bytes()
            for path in sorted((tmp_path / language).rglob("*.*"))
        }
        for language in ("en", "zh")
    )
    unlike = {str(path) for path in english if english[path] != other[path]}
    assert {"report.md", "answer.json"} == unlike
    assert english.keys() == other.keys()


def test_a_catalogue_is_held_against_the_sources():
    sources, catalogue = Catalog(), Catalog(locale="zh")
    for msgid in ("new", "open", "fuzzy", "{n} slots", "said"):
        sources.add(msgid)
    catalogue.add("open")
    catalogue.add("fuzzy", "x", flags=["fuzzy"])
    catalogue.add("{n} slots", "{m}")
    catalogue.add("said", "x")
    catalogue.add("gone", "x")
    assert {
        "not in the catalogue: 'new'",
        "not translated: 'open'",
        "fuzzy: 'fuzzy'",
        "other slots: '{n} slots'",
        "no longer in the sources: 'gone'",
    } == set(problems(catalogue, sources))
