"""Files of anybody's: what is read, what gets a word, what is refused in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from touchloop.core.errors import Invalid
from touchloop.insight.scores.lifetime import asking, judging, reading
from touchloop.insight.scores.lifetime.grouping import group


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "customer,date,value\n1,2020-01-01,3\n1,2020-02-01,4.5\n2,2020-01-05,7\n",
        "Value;Customer;DATE\n3;1;20200101\n4.5;1;20200201\n7;2;20200105\n",
        "1,2020-01-01,3\n1,2020-02-01,4.5\n2,2020-01-05,7\n",
        " 00001 20200101  1   3.00\r\n 00001 20200201  2   4.50\r\n 00002 20200105 1 7\r\n",
        "Order Date\tCustomer ID\tAmount\n01.01.2020\tx\t3\n01.02.2020\tx\t4.5\n05.01.2020\ty\t7\n",
        "customer,date,value\n1,01/01/2020,3\n1,02/01/2020,4.5\n2,01/05/2020,7\n3,12/31/2020,1\n",
    ],
)
def test_purchases_are_read_however_they_are_written(tmp_path: Path, text: str) -> None:
    who, day, value = reading.purchases(written(tmp_path, text))
    assert who[:3].tolist() == [0, 0, 1]
    assert (day[:3] - day[0]).tolist() == [0, 31, 4]
    assert value[:3].tolist() == [3.0, 4.5, 7.0]


def test_compressed_files_and_other_encodings_are_read(tmp_path: Path) -> None:
    text = "customer;date;value\nJosé;2020-01-01;3\nJosé;2020-02-01;4\nAna;2020-01-05;7\n"
    (path := tmp_path / "file.csv.gz").write_bytes(gzip.compress(text.encode("latin-1")))
    assert reading.purchases(path)[0].tolist() == [0, 0, 1]
    path.write_bytes(gzip.compress(text.encode())[:-12])
    with pytest.raises(Invalid, match="file"):
        reading.purchases(path)
    path.write_bytes(b"\x1f\x8b\x08" + b"junk" * 9)
    with pytest.raises(Invalid, match="file"):
        reading.purchases(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("x\n", "single row"),
        ("customer,when,value\n1,2020-01-01,3\n", "date: .*no such column"),
        ("customer,date,value\n1,2020-01-01,3\n1,soon,3\n", "row 3 has 'soon', which is no date"),
        ("customer,date,value\n1,2020-01-01,nan\n", "row 2 has a value that is no number"),
        ("customer,date,value\n1,2020-01-01,\n", "row 2 has '', which is no value"),
        ("customer,date,value\n,2020-01-01,3\n", "row 2 has '', which is no name"),
        ("customer,date,value\n1,02/01/2020,3\n1,03/01/2020,3\n", "cannot be told apart"),
        ("customer,date,value\n1,2020-01-01,3\n1,2020-02-01,3\n", "one customer is not enough"),
        ("customer,date,value\n1,2020-01-01,3\n2,2020-02-01,3\n", "nobody bought twice"),
        ("customer,date,value\n1,2020-01-01,-3\n2,2020-02-01,-3\n", "every day is a return"),
        ("1,2\n3,4\n", "customer, date, value are needed"),
        ("customer,date,value,value\n1,2020-01-01,3,1\n1,2020-02-01,3,1\n", "value twice"),
        ("customer,date,value\n1,2020-01-01,3\n1,9999-02-01,3\n", "between 1900 and 2200"),
        ("customer,date,value\n1,2020-01-01,3\n1,2020-02-01,1e308\n", "row 3 .* no number"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        asking.fit_clv(written(tmp_path, text))


def test_a_tiny_file_gets_words_and_no_fake_certainty(tmp_path: Path) -> None:
    text = "customer,date,value\n1,2020-01-01,3\n1,2020-01-11,3\n2,2020-02-01,5\n3,2020-03-01,7\n"
    found = asking.fit_clv(written(tmp_path, text))
    said = " ".join(found["words"])
    assert found["chosen"] == "nbd"
    assert "Only 1 repeat purchases were seen" in said
    assert "is used instead" in said
    assert found["models"]["bg_nbd"]["boundary"]


def test_when_nobody_leaves_the_fit_is_named_and_nbd_used() -> None:
    chance = np.random.default_rng(3)
    T = np.full(800, 52.0)
    x = chance.poisson(chance.gamma(2.0, 0.5, 800) * 52.0).astype(float)
    tx = np.where(x > 0, 52.0 * chance.beta(np.maximum(x, 1), 1.0), 0.0)
    fits = judging.fit(group(x, tx, T))
    assert fits.chosen == "nbd"
    assert "nobody is seen to leave" in fits.models["bg_nbd"].boundary
    assert fits.words[-1] == "NBD is used instead."


def test_when_all_leave_alike_one_chance_is_used() -> None:
    chance = np.random.default_rng(5)
    n, T = 4_000, 40.0
    rate = chance.gamma(2.0, 0.5, n)
    x, tx, now, there = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while there.any():
        now[there] += chance.exponential(1 / rate[there])
        there &= now <= T
        x[there] += 1
        tx[there] = now[there]
        there &= chance.random(n) >= 0.1
    fits = judging.fit(group(x, tx, np.full(n, T)), models=("bg_nbd",))
    assert fits.chosen == judging.ONE_CHANCE
    assert fits.used.parameters["p"] == pytest.approx(0.1, abs=0.01)
    assert "one chance for all fits as well" in fits.models["bg_nbd"].boundary


def test_contracts(tmp_path: Path) -> None:
    rows = [f"{t},{int(t < 4)}" for t in (1, 1, 1, 1, 2, 2, 3, 4, 4, 4, 4, 4)]
    found = asking.fit_contracts(written(tmp_path, "tenure,churned\n" + "\n".join(rows)))
    assert found["survival"][0] == 1.0
    assert found["customers"] == 12
    with pytest.raises(Invalid, match="nobody left"):
        asking.fit_contracts(written(tmp_path, "tenure,churned\n1,0\n2,0\n"))
    for text, word in (
        ("tenure,churned\n100000000,1\n2,0\n", "at most 10,000 renewals"),
        ("x,tx,n\n1,1,900000000\n0,0,1\n", "at most 10,000 opportunities"),
        ("x,tx,n,weight\n1,1,2,-5\n0,0,1,1\n", "below zero"),
    ):
        with pytest.raises(Invalid, match=word):
            asking.fit_contracts(written(tmp_path, text))
