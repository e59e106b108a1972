"""The page of quantised networks has the predicted bytes of each."""

import pytest
from quantised import NETWORKS, PAGE, SCHEMES

import flopscope as fs

LINES = {
    cells[0]: cells[1:]
    for line in (PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else [])
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 8
}


def test_the_page_has_every_network():
    assert set(NETWORKS) <= set(LINES)


@pytest.mark.parametrize("network", NETWORKS)
def test_bytes_are_as_predicted_or_marked(network):
    res, *totals = LINES[network][:5]
    assert int(res) == NETWORKS[network]
    for scheme, total in zip(SCHEMES.values(), totals, strict=True):
        predicted = fs.quantize(network, res=NETWORKS[network], **scheme).found.terms.total
        assert total.endswith("≠") or total == f"{predicted:,}"
