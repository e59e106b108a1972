"""One sentence for each thing that cannot be trained, and nothing changed by it."""

import numpy as np
import pytest
import torch
from small_training import few_images, small_net
from torch import nn

import flopscope as fs
from flopscope.errors import BadInput, UnknownName

FEW = few_images()
SUCH = "give a name such as 'mnist', or arrays (x, y) of shapes (n, C, H, W) and (n,)"


def refused(network=None, images=FEW, **given):
    with pytest.raises(BadInput) as error:
        fs.train(network or small_net(), images, **{"epochs": 2, "batch": 8, **given})
    return str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"epochs": 7, "sizes": (6, 7, 8)},
            "7 epochs do not divide among 3 stages; give a multiple of 3, or the epochs of each "
            "stage in a list",
        ),
        (
            {"epochs": (1, 2), "sizes": 8},
            "epochs has 2 numbers for 1 stage; give one for each size, or all epochs in one number",
        ),
        ({"epochs": 0}, "epochs 0 is not an integer from 1; give one such as 5"),
        ({"epochs": (1, 0)}, "epochs 0 is not an integer from 1; give one such as 5"),
        (
            {"batch": 33},
            "a batch of 33 is larger than the 32 images to train with; give at most 32",
        ),
        ({"batch": 0}, "batch 0 is not an integer from 1; give one such as 5"),
        (
            {"sizes": (8, 0)},
            "sizes (8, 0) are not sides of images; give integers from 1 such as (32, 48, 64)",
        ),
        (
            {"sizes": ()},
            "sizes () are not sides of images; give integers from 1 such as (32, 48, 64)",
        ),
        (
            {"warmup": 2},
            "a warm-up of 2 epochs leaves none of 2 to train; give fewer",
        ),
        ({"warmup": -1}, "warmup -1 is not a number from 0; give one such as 1"),
        ({"rate": 0}, "rate 0 is not a number above 0; give one such as 0.1"),
        ({"rate": float("nan")}, "rate nan is not a number above 0; give one such as 0.1"),
        ({"ema": 1}, "ema 1 is not a number between 0 and 1; give one such as 0.99"),
        ({"momentum": 1}, "momentum 1 is not a number from 0 to below 1; give one such as 0.9"),
        (
            {"momentum": 0.5, "optimizer": "adamw"},
            "adamw has no momentum of this kind; leave momentum out, or take sgd",
        ),
        (
            {"weight_decay": "much"},
            "weight_decay 'much' is not a number from 0; give one such as 0.0005",
        ),
        ({"dropout": 1}, "dropout 1 is not a number from 0 to below 1; give one such as 0.2"),
        (
            {"dropout": (0, 0.1, 0.2), "sizes": (6, 8)},
            "dropout has 3 numbers for 2 stages; give one for all stages, the first and the last, "
            "or one for each stage",
        ),
        (
            {"magnitude": (0, 0.5)},
            "magnitude has 2 numbers for 1 stage; give one for all stages, the first and the last, "
            "or one for each stage",
        ),
        ({"magnitude": 1.5}, "magnitude 1.5 is not a number from 0 to 1; give one such as 0.5"),
        ({"magnitude": []}, "magnitude is an empty list; give a number, or leave it out"),
        (
            {"stochastic_depth": -0.1},
            "stochastic_depth -0.1 is not a number from 0 to below 1; give one such as 0.1",
        ),
        (
            {"stochastic_depth": 0.1},
            "the network has no layer of stochastic depth; name the modules whose outputs are "
            "added to a shortcut, as in branches='layer*.bn2'",
        ),
        (
            {"stochastic_depth": 0.1, "branches": "block*"},
            "no module of the network matches the branch 'block*'; give a pattern of names such as "
            "'layer*.bn2', whose outputs are added to a shortcut",
        ),
        (
            {"branches": "1"},
            "branches are those that stochastic_depth drops; give that too, such as 0.1, or leave "
            "them out",
        ),
        ({"alpha": 0.5}, "alpha 0.5 is for a teacher; give one, or leave alpha out"),
        (
            {"temperature": 2},
            "temperature 2 is for a teacher; give one, or leave temperature out",
        ),
        (
            {"teacher": "resnet18"},
            "teacher 'resnet18' is not a trained network; give a module, or what fs.train returned "
            "for it",
        ),
        ({"seed": -1}, "seed -1 is not an integer from 0; give one such as 5"),
    ],
    ids=str,
)
def test_refusals(given, message):
    assert refused(**given) == message


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("inf"), "half"])
def test_alpha_is_a_share(alpha):
    assert refused(teacher=small_net(), alpha=alpha) == (
        f"alpha {alpha!r} is not a number from 0 to 1; give one such as 0.5"
    )


@pytest.mark.parametrize("temperature", [0, -4, True])
def test_a_temperature_is_positive(temperature):
    assert refused(teacher=small_net(), temperature=temperature) == (
        f"temperature {temperature!r} is not a number above 0; give one such as 4"
    )


def test_a_teacher_of_other_classes():
    assert refused(teacher=small_net(7)) == (
        "the teacher tells 7 classes apart and the images have 10; give one with 10, as in "
        "'mobilenetv2:classes=10'"
    )
    assert refused("resnet18:width=0.125", sizes=32) == (
        "the network tells 1,000 classes apart and the images have 10; give one with 10, as in "
        "'mobilenetv2:classes=10'"
    )


def test_a_teacher_that_has_seen_the_images_held_out():
    taught = fs.train(small_net(), "digits", epochs=1, seed=1)
    assert refused(images="digits", teacher=taught, seed=2) == (
        "the teacher was trained on digits with the seed 1, and so on images that digits with the "
        "seed 2 holds out; train both with one seed"
    )


def test_networks_that_give_no_logits():
    assert refused(nn.Conv2d(1, 10, 3)) == (
        "the network gives (2, 10, 6, 6) for 2 images; it has to give a logit for each class, "
        "(2, 10)"
    )


def test_sizes_that_the_network_refuses():
    net = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Flatten(), nn.Linear(64, 10))
    assert refused(net, sizes=(4, 8)) == (
        "the network cannot run on 8 images of 1×4×4: RuntimeError: Calculated padded input size "
        "per channel: (4 x 4). Kernel size: (5 x 5). Kernel size can't be greater than actual "
        "input size"
    )
    assert refused(net, sizes=(8, 12)) == (
        "the network cannot run on 8 images of 1×12×12: 2 expects 64 features and gets 256"
    )


def test_a_teacher_that_refuses_the_size():
    net = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Flatten(), nn.Linear(64, 10))
    assert refused(teacher=net, sizes=9) == (
        "the teacher cannot run on 8 images of 1×9×9: 2 expects 64 features and gets 100"
    )


def test_a_norm_that_sees_one_number():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    assert refused(net, batch=1) == (
        "the network cannot run on 1 image of 1×8×8: ValueError: Expected more than 1 value per "
        "channel when training, got input size torch.Size([1, 10])"
    )


def test_a_loss_that_is_no_number_gives_the_weights_back():
    net = small_net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    said = refused(net, rate=1e30, epochs=4, warmup=0)
    assert said.startswith("the loss is nan in step ")
    assert said.partition(" in step ")[2].partition(" ")[2].startswith("of 16, on images of 8×8, ")
    assert said.endswith(
        "give a lower rate or a longer warm-up (the network has its weights of before)"
    )
    assert all(torch.equal(before[name], now) for name, now in net.state_dict().items())


def test_a_network_without_a_place_for_dropout():
    net = nn.Sequential(nn.Conv2d(1, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert refused(net, dropout=0.1) == (
        "the network has neither a layer of dropout nor a linear one that dropout could stand "
        "before; leave dropout out"
    )


def test_a_network_that_learns_nothing():
    assert refused(nn.Flatten(), images=(np.zeros((20, 2, 2)), np.arange(20) % 4)) == (
        "the network has no parameter that requires a gradient, so there is nothing to train; set "
        "requires_grad of those that should learn"
    )


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"dtype": torch.float64}, "torch.float64 on cpu"),
        ({"device": "meta"}, "torch.float32 on meta"),
    ],
)
def test_networks_of_other_numbers_or_elsewhere(given, what):
    assert refused(nn.Sequential(nn.Flatten(), nn.Linear(64, 10, **given))) == (
        f"the network has a parameter of {what}, and training here is in torch.float32 on the "
        "processor; give it as network.float().cpu()"
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (3, f"images 3 are not images with their classes; {SUCH}"),
        (("x", "y"), f"images ('x', 'y') are not two arrays of numbers; {SUCH}"),
        (
            (np.zeros((4, 8, 9)), np.zeros(4, int)),
            "images of shape (4, 1, 8, 9) with classes of shape (4,) are not square images with a "
            f"class each; {SUCH}",
        ),
        (
            (np.zeros((4, 8, 8)), np.zeros(3, int)),
            "images of shape (4, 1, 8, 8) with classes of shape (3,) are not square images with a "
            f"class each; {SUCH}",
        ),
        (
            (np.zeros((4, 8, 8)), np.zeros(4)),
            "the classes of images are not integers from 0; give the number of its class for each",
        ),
        (
            (np.full((4, 8, 8), np.nan), np.zeros(4, int)),
            "images have a pixel that is not a finite number; leave such images out",
        ),
    ],
)
def test_images_that_are_none(images, message):
    assert refused(images=images) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": "cifar10"}, "unknown source of images 'cifar10'; known are mnist, digits"),
        ({"optimizer": "adam"}, "unknown optimizer 'adam'; did you mean adamw?"),
        ({"epoch": 3}, "unknown argument of fs.train 'epoch'; did you mean epochs?"),
    ],
)
def test_names_that_are_unknown(given, message):
    with pytest.raises(UnknownName) as error:
        fs.train(small_net(), **{"images": FEW, **given})
    assert str(error.value) == message
