"""What a design space is made of, and what it refuses."""

from math import comb

import pytest
from small_spaces import BLOCKS, COUPLED

from flopscope.designspaces.known import SPACES, space_named
from flopscope.designspaces.slots import FREE, Move, Slot, blocks_of_stage, independent, placed
from flopscope.designspaces.space import DesignSpace
from flopscope.errors import BadInput, UnknownName

A, B = Move(FREE, "a", FREE), Move(FREE, "b", FREE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slot("s", ()), "slot s has no moves; give it at least one option"),
        (lambda: Slot("s", (A, A)), "slot s has two moves for one option in one state"),
        (
            lambda: Slot("s", (A._replace(ways=0),)),
            "slot s has a move with fewer ways than 1",
        ),
        (
            lambda: DesignSpace("d", None, (), "nowhere"),
            "the design space d has no slots; give it at least one",
        ),
        (
            lambda: DesignSpace("d", None, (Slot("s", (A,)), Slot("s", (B,))), "nowhere"),
            "the design space d has two slots of one name",
        ),
        (
            lambda: DesignSpace("d", None, (Slot("s", (Move("never", "a", FREE),)),), "nowhere"),
            "no design of the space d reaches its last slot; check the states in which its moves "
            "begin",
        ),
        (lambda: BLOCKS.moves(("k1",)), "a design of blocks has 6 choices, and this one has 1"),
        (
            lambda: BLOCKS.design("k1,k3"),
            "a design of blocks has 2 stages with blanks between them, and 'k1,k3' has 1; one is "
            "'k1,k1,k1 k1,k1,k1'",
        ),
        (
            lambda: BLOCKS.design("k1,k3,k5,k1 k1"),
            "stage1 of blocks has at most 3 choices, and 'k1,k3,k5,k1' has 4",
        ),
        (
            lambda: BLOCKS.design("k1,-,k3 k1"),
            "stage1.block3 cannot be k3 here, after the choices before it; it can be -",
        ),
        (
            lambda: BLOCKS.build(BLOCKS.design("k1 k1")),
            "blocks has no PyTorch twin; its closed forms alone are known",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(BadInput) as refused:
        make()
    assert str(refused.value) == message


def test_an_option_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(UnknownName) as refused:
        BLOCKS.design("k1 k2,k1")
    assert str(refused.value) == "unknown option of stage2.block1 'k2'; known are k1, k3, k5"
    with pytest.raises(UnknownName) as refused:
        space_named("ofa_mobilenetv2")
    assert "ofa_mobilenetv3" in str(refused.value)


def test_networks_and_encodings_are_counted_apart():
    assert BLOCKS.networks == (3 + 9 + 27) ** 2 == len(list(BLOCKS.all()))
    assert BLOCKS.encodings == (3 * 27) ** 2
    assert COUPLED.networks == COUPLED.encodings == 27 == len(set(COUPLED.all()))


def test_a_stage_can_be_written_down_with_its_blocks_anywhere():
    for most in range(1, 6):
        space = DesignSpace(
            "d", None, blocks_of_stage("s", "ab", 1, most, placed(1, most)), "nowhere"
        )
        assert space.encodings == 2 * 3 ** (most - 1)
        assert space.networks == sum(2**n for n in range(1, most + 1))
    assert placed(1, 5)(3) == comb(4, 2)


@pytest.mark.parametrize("space", [BLOCKS, COUPLED], ids=lambda space: space.name)
def test_texts_are_read_back(space):
    for design in space.all():
        assert space.design(space.text(design)) == design


def test_slots_know_their_options():
    assert independent("stage1.block2", "abc").options == ("a", "b", "c")
    assert independent("stage1.block2", "abc").stage == "stage1"


POOLS = 3**4 * 6 * 6 * 18  # four widths, and the blocks of the first three stages
ATTENDS = sum(range(1, 9))  # of at most 8 blocks, any number of the last ones, but not none
KNOWN = {
    "efficientformer_slots": (POOLS * ATTENDS,) * 2,
    "nas_bench_macro": (3969, 3**8),
    "nas_bench_201": (15_625, 15_625),
    "ofa_mobilenetv3": (7371**5, 3**5 * 9**20),
    "proxylessnas": (1554**5 * 6, (6 * 7**3) ** 5 * 6),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_sizes_of_the_known_spaces(name):
    """7371 = 9² + 9³ + 9⁴, and 1554 = 6 + 6² + 6³ + 6⁴."""
    space = space_named(name)
    assert (space.networks, space.encodings) == KNOWN[name]


def test_every_known_space_is_found():
    for name in SPACES:
        assert space_named(name).name == name
