"""What a reported number may mean, and how likely it is that a reading gives it by chance."""

from __future__ import annotations

from fractions import Fraction

import pytest

from flopscope.cli import main
from flopscope.conventions import CONVENTIONS
from flopscope.errors import BadInput
from flopscope.reconciling.accounts import work_accounts
from flopscope.reconciling.amounts import Amounts
from flopscope.reconciling.chance import near
from flopscope.reconciling.changes import folded, without_classifier
from flopscope.reconciling.countings import countings
from flopscope.reconciling.digits import Reported
from flopscope.reconciling.search import explain_work, fits_of
from flopscope.reconciling.subjects import of_catalog

KNOWN_UNITS = "write K, M, G, B or T, alone or before FLOPs, MACs, MAdds, ops or params, as in"
ONE_NUMBER = "is a range or a bound; give one number as its source prints it, such as"
COMMA = "has a comma that is not between groups of three digits; a point begins the decimals, as in"
AS_PRINTED = "give one as its source prints it, such as 579M or 1.14G"
STATED = (
    "expected digits, at most one decimal point and at most one of K, M, G, B, T or an exponent, "
    "as in 4.2M, 4.2e6 or 3504872"
)
UNREAD = {
    "4,2 Mio": f"'4,2 Mio' has the unit Mio, which is not known; {KNOWN_UNITS} 4.2M",
    "300 apples": f"'300 apples' has the unit apples, which is not known; {KNOWN_UNITS} 300M",
    "1.2 Gflop/s": f"'1.2 Gflop/s' has the unit Gflop/s, which is not known; {KNOWN_UNITS} 1.2G",
    "5 PFLOPs": f"'5 PFLOPs' has the unit P, which is not known; {KNOWN_UNITS} 5000T",
    "1,234.5P": f"'1,234.5P' has the unit P, which is not known; {KNOWN_UNITS} 1234500T",
    "12 MiB": f"'12 MiB' has the unit MiB, which is not known; {KNOWN_UNITS} 12M",
    "3.4M-3.5M": f"'3.4M-3.5M' {ONE_NUMBER} 3.4M",
    "3.4-3.5M": f"'3.4-3.5M' {ONE_NUMBER} 3.4M",
    "300 to 310 M": f"'300 to 310 M' {ONE_NUMBER} 300M",
    "300\u00b15M": f"'300\u00b15M' {ONE_NUMBER} 300M",
    "~300M": f"'~300M' {ONE_NUMBER} 300M",
    "< 5 M": f"'< 5 M' {ONE_NUMBER} 5M",
    "about 5M": f"'about 5M' {ONE_NUMBER} 5M",
    "up to 5M": f"'up to 5M' {ONE_NUMBER} 5M",
    "300M+": f"'300M+' {ONE_NUMBER} 300M",
    "between 3 and 4M": f"'between 3 and 4M' {ONE_NUMBER} 3M",
    "2,4G": f"'2,4G' {COMMA} 2.4G",
    "12,34M": f"'12,34M' {COMMA} 12.34M",
    "1.234,5M": f"'1.234,5M' {COMMA} 1234.5M",
    "1,2.5M": f"'1,2.5M' {COMMA} 12.5M",
    "1,2,3M": f"'1,2,3M' {COMMA} 123M",
    "3 504 872": "'3 504 872' has blanks between its digits; write commas, as in 3,504,872",
    "3 504 K": "'3 504 K' has blanks between its digits; write commas, as in 3,504 K",
    "-5M": "'-5M' is below 0, where no count is; give one from 0, as in 5M",
    "\u22125M": "'\u22125M' is below 0, where no count is; give one from 0, as in 5M",
    **{text: f"'{text}' is no number; {AS_PRINTED}" for text in ("", "nan", "NaN", "-inf", "inf")},
    "1.2.3M": f"'1.2.3M' is not a stated figure; {STATED}",
    "300%": f"'300%' is not a stated figure; {STATED}",
    "much": f"'much' is not a stated figure; {STATED}",
}


@pytest.mark.parametrize("text", UNREAD)
def test_units_and_ranges_are_refused_with_what_may_be_meant(text: str) -> None:
    with pytest.raises(BadInput) as unread:
        Reported.parse(text)
    assert str(unread.value) == UNREAD[text]


@pytest.mark.parametrize(
    ("text", "value"),
    [("3e-1", "0.3"), ("3e8", "3e8"), ("1,234.5 K", "1234500"), ("0", "0"), (" 5 M ", "5e6")],
)
def test_what_is_near_to_a_refused_number_is_read(text: str, value: str) -> None:
    assert Reported.parse(text).value == Fraction(value)


MACS, FLOPS = "300,774,272 MACs of mobilenetv2", "601,548,544 FLOPs of mobilenetv2"
PARAMETERS = "3,504,872 parameters of mobilenetv2"


@pytest.mark.parametrize(
    ("option", "text", "said", "meant"),
    [
        ("--reported", "300", f"about a millionth of the {MACS}", "300M"),
        ("--reported", "300G", f"about 1,000 times the {MACS}", "300M"),
        ("--reported", "0.3 MFLOPs", f"about a thousandth of the {MACS}", "300M"),
        ("--reported", "0.6 MFLOPs", f"about a thousandth of the {FLOPS}", "600M"),
        ("--reported", "601,548,544,000", f"about 1,000 times the {FLOPS}", "601.548544M"),
        ("--params", "3.5G", f"about 1,000 times the {PARAMETERS}", "3.5M"),
        ("--params", "3500", f"about a thousandth of the {PARAMETERS}", "3.5M"),
        ("--params", "3.5", f"about a millionth of the {PARAMETERS}", "3.5M"),
    ],
)
def test_a_slip_of_the_unit_is_named(option, text, said, meant, capsys) -> None:
    assert main(["reconcile", "mobilenetv2", option, text]) == 2
    assert capsys.readouterr() == ("", f"flopscope: {text} is {said}; did you mean {meant}?\n")


# --- the chance of a coincidence ------------------------------------------------------------------


@pytest.mark.parametrize("text", ["579M", "1.2G", "569M", "568,740,352", "0.57G"])
def test_the_chance_is_the_share_of_numbers_nearby_that_are_explained_as_simply(text) -> None:
    """All of them are tried, in the unit of the number's last digit."""
    network = of_catalog("mobilenetv1")
    reported = Reported.parse(text)
    found = explain_work(network, reported)
    value = int(reported.value / reported.unit)
    least, most = near(value)
    fit = found.fits[0]
    if most - least > 2000:
        assert found.chance(fit) < Fraction(1, 1000)
        return
    explained = 0
    for other in range(least, most + 1):
        moved = Reported(text, other * reported.unit, reported.unit)
        decimal = [f for f in fits_of(moved, accounts_of(network)) if f.steps <= fit.steps]
        explained += bool(decimal)
    assert found.chance(fit) == Fraction(explained, most - least + 1)


def accounts_of(network):
    """The accounts that a number of a closed form is compared with."""
    versions = [network.asked, *network.near()]
    return [account for version in versions for account in work_accounts(version, countings())]


def test_the_chance_grows_with_the_steps() -> None:
    found = explain_work(of_catalog("mobilenetv1"), Reported.parse("579M"))
    shares = [found.chance(fit) for fit in found.fits]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("579M", "This could be a coincidence: readings as simple give 6.1 % of the numbers"),
        ("578,875,904", "Chance: readings as simple give <0.01 % of the numbers"),
    ],
)
def test_what_could_be_a_coincidence_is_called_that(text, says, capsys) -> None:
    assert main(["reconcile", "mobilenetv1", "--reported", text]) == 0
    assert says in " ".join(capsys.readouterr().out.split())


def test_several_changes_are_tried_where_the_digits_tell_them_apart() -> None:
    """MobileNetV3 as features: no classifier, and its norms folded."""
    network = of_catalog("mobilenetv3_small")
    rows = without_classifier(folded(network.asked.ledger.rows))
    count = sum(term.count for term in Amounts(rows).terms(CONVENTIONS["ptflops"]))
    names = {fit.account.name for fit in explain_work(network, Reported.parse(f"{count}")).fits}
    assert "ptflops; batch norm folded; without the classifier" in names
