"""Whatever is given to a function of `fs`, it answers or refuses in one sentence."""

import numpy as np
import pytest
from torch import nn, ones

import flopscope as fs

NET = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
SHAPE = (1, 3, 8, 8)
C = fs.symbol("C")

BAD = {
    "None": None,
    "nan": float("nan"),
    "True": True,
    "minus one": -1,
    "zero": 0,
    "a fraction": 2.5,
    "an empty text": "",
    "a blank": "  ",
    "an unknown text": "no such thing",
    "a long text": "1" * 5000,
    "one side": (224,),
    "three sides": (1, 2, 3),
    "an empty list": [],
    "a list of names": ["mobilenetv1", "mobilenetv2"],
    "a mapping": {"a": 1},
    "an object": object(),
    "a class": nn.Conv2d,
    "an array": np.array([1, 2]),
    "a tensor": ones(3),
    "bytes": b"x",
    "a function": len,
    "a set": {"x"},
}


def kept(*given, **limits):
    """Is the budget kept? The function raises for tests where it is not."""
    try:
        fs.assert_budget(*given, **limits)
    except AssertionError:
        return False
    return True


FUNCTIONS = {
    "analyze": (fs.analyze, {"model": "mobilenetv2"}, "model res batch width depth classes other"),
    "build": (fs.build, {}, "model other"),
    "formula": (fs.formula, {"name": "mobilenetv2"}, "name quantity free other"),
    "formulas": (
        fs.formulas,
        {"name": "mobilenetv2"},
        "name quantities free assume ideal other",
    ),
    "law": (lambda name="regnet", **named: fs.law(name, **named), {}, "name other"),
    "trace": (
        lambda module=NET, shape=SHAPE, **named: fs.trace(module, shape, **named),
        {},
        "module shape example rules backward other",
    ),
    "derive": (
        fs.derive,
        {"make": nn.Linear, "arguments": {"in_features": C, "out_features": 4}},
        "make arguments quantities example other",
    ),
    "compare": (
        lambda target="mobilenetv2", **named: fs.compare(target, **named),
        {},
        "target res batch inputs example convention accuracy by check scale form columns sort "
        "group other",
    ),
    "check": (
        lambda target="mobilenetv2", **named: fs.check(target, **{"res": 32, **named}),
        {},
        "target res batch inputs example form prove other",
    ),
    "show": (
        fs.show,
        {"target": "mobilenetv2"},
        "target res batch arguments example rules convention by depth sort columns backward epoch "
        "scale form other",
    ),
    "profile": (
        lambda target=NET, shape=SHAPE, **named: fs.profile(target, shape, **named),
        {},
        "target shape res batch arguments example rules convention by depth sort columns backward "
        "epoch scale form other",
    ),
    "solve": (
        fs.solve,
        {"target": "mobilenetv2", "macs": "150M", "free": "width"},
        "target free when res batch step arguments example macs other",
    ),
    "sweep": (
        fs.sweep,
        {"target": "mobilenetv2", "free": "width=0.5,1", "of": "macs"},
        "target free of res batch arguments example convention max_macs other",
    ),
    "diff": (
        fs.diff,
        {"before": "mobilenetv1", "after": "mobilenetv2"},
        "before after res batch convention by everything form example other",
    ),
    "export": (
        fs.export,
        {"target": NET, "res": 8},
        "target output batch res inputs dynamic opset to fp16 other",
    ),
    "pareto": (
        fs.pareto,
        {"families": "mobilenetv2"},
        "x results with_catalogue res convention accuracy families every max_macs other",
    ),
    "reconcile": (
        fs.reconcile,
        {"target": "mobilenetv1", "reported": "579M"},
        "target reported params tool res batch arguments example other",
    ),
    "audit": (
        lambda model="mobilenetv1", **named: fs.audit(model, **named),
        {},
        "model family other",
    ),
    "hold": (
        fs.hold,
        {"target": "mobilenetv2", "max_macs": "400M"},
        "target res batch arguments example max_macs other",
    ),
    "assert_budget": (
        lambda target=NET, shape=SHAPE, **n: kept(target, shape, **{"max_params": "1M", **n}),
        {},
        "target shape max_params other",
    ),
    "list_models": (
        lambda pattern="ghost", **named: fs.list_models(pattern, **named),
        {},
        "pattern max_macs other",
    ),
    "prune": (
        lambda target=NET, shape=SHAPE, **named: fs.prune(target, shape, **named),
        {},
        "target shape keep skip density res batch arguments other",
    ),
    "train_cost": (
        lambda target=NET, shape=SHAPE, **named: fs.train_cost(
            target, shape, **{"epochs": 2, "images": 8, "batch": 4, **named}
        ),
        {},
        "target shape epochs images batch schedule teacher optimizer accumulate replicas ema "
        "drop_last precision memory checkpoints peak res arguments accelerator utilisation pue "
        "grid device other",
    ),
    "latencies": (
        lambda model="mobilenetv2", **named: fs.latencies(model, **named),
        {},
        "model device other",
    ),
    "explore": (
        lambda target="mobilenetv1", **named: fs.explore(target, **{"only": True, **named}),
        {},
        "target input res batch arguments only other",
    ),
    "overlay": (
        lambda target="net.onnx", **named: fs.overlay(target, **{"viewer": "netron", **named}),
        {},
        "target viewer of convention inputs batch other",
    ),
    "list_conventions": (fs.list_conventions, {}, "other"),
    "expected_cost": (
        fs.expected_cost,
        {"target": "mobilenetv2", "options": {"width": [1.0]}, "res": 32},
        "target options quantity res seed other",
    ),
    "darts": (
        fs.darts,
        {"source": "no images", "epochs": 1, "trained": 0},
        "source cost_weight quantity epochs trained seed other",
    ),
    "train": (
        fs.train,
        {"network": NET, "images": "no images", "epochs": 1},
        "network images epochs sizes dropout stochastic_depth magnitude branches batch optimizer "
        "rate momentum weight_decay warmup ema teacher temperature alpha seed other",
    ),
    "one_shot": (
        fs.one_shot,
        {"source": "no images", "epochs": 1},
        "source quantity epochs seed other",
    ),
    "expected": (
        fs.expected_cost("mobilenetv2", {"width": [0.5, 1.0]}, res=32).expected,
        {},
        "logits",
    ),
    "cost of": (
        fs.expected_cost("mobilenetv2", {"width": [0.5, 1.0]}, res=32).of,
        {},
        "choices",
    ),
    "Scaling": (fs.Scaling, {}, "phi alpha"),
    "symbol": (fs.symbol, {}, "name"),
    "convention": (fs.convention, {}, "name"),
    "level": (fs.Level.named, {}, "name"),
    "at": (fs.formula("mobilenetv2").at, {"B": 1, "H": 32, "W": 32}, "H other"),
    "subs": (fs.formula("mobilenetv2").subs, {}, "H other"),
    "when": (fs.formula("mobilenetv2").when, {}, "H other"),
    "ledger at": (fs.trace(NET, ("B", 3, "H", "W")).at, {"B": 1}, "H"),
    "ledger flops": (fs.analyze("mobilenetv2").flops, {}, "convention"),
    "ledger group_by": (fs.analyze("mobilenetv2").group_by, {}, "level"),
    "weight_bytes": (fs.analyze("mobilenetv2").weight_bytes, {}, "dtype"),
    "report text": (fs.show("mobilenetv2").text, {}, "format_name"),
}
"""Each function with arguments that it takes, and the names of those that are then spoilt."""

LONGEST = 600
"""The most characters of a sentence that names what was given and what would be accepted."""


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_answers_or_refuses_in_one_sentence(name, bad):
    function, good, parameters = FUNCTIONS[name]
    short = {"a long text"} if name in WITHOUT_A_LIMIT else set()
    for parameter in parameters.split():
        try:
            function(**{**good, parameter: BAD[bad]})
        except fs.FlopscopeError as error:
            said = str(error)
            assert said
            assert "\n" not in said, parameter
            assert len(said) <= LONGEST or bad in short, parameter
            assert not said.startswith("--"), parameter


WITHOUT_A_LIMIT = (
    "trace",
    "assert_budget",
    "Scaling",
    "symbol",
    "convention",
    "level",
    "at",
    "subs",
    "when",
    "ledger at",
    "ledger flops",
    "ledger group_by",
    "weight_bytes",
    "report text",
)
"""These repeat the text that they are given, however long it is."""


class Net(nn.Module):
    pass


TARGETS = (
    "give a model of fs.list_models(), a text such as 'net.py:Net', 'timm:resnet18' or "
    "'model.onnx', or an nn.Module"
)
SIDES = "give an integer from 1 such as 224, or height and width such as (192, 256)"
FREE = "give one such as 0.75, an array of them or a symbol"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fs.analyze("mobilenetv2", width=-1),
            f"width=-1 is not a positive number; {FREE}",
        ),
        (
            lambda: fs.analyze("mobilenetv2", depth=-1),
            f"depth=-1 is not a positive number; {FREE}",
        ),
        (
            lambda: fs.analyze("mobilenetv2", classes=2.5),
            "classes 2.5 is not a positive integer; give an integer from 1, an array of them or a "
            "symbol",
        ),
        (
            lambda: fs.analyze("mobilenetv2:width=1.4", width=2),
            "width is fixed in 'mobilenetv2:width=1.4' and free at once; leave one of them out",
        ),
        (
            lambda: fs.formula("mobilenetv2", free="widht"),
            "unknown free option of mobilenetv2 'widht'; did you mean width?",
        ),
        (
            lambda: fs.formula(nn.Conv2d),
            "<class 'torch.nn.modules.conv.Conv2d'> is not a name; give that of a model or block, "
            "such as 'mobilenetv2', or derive the formula of a class with fs.derive",
        ),
        (
            lambda: fs.formula("mobilenetv2").at(B=1, H="224", W=224),
            "H='224' is text; H takes integers from 1",
        ),
        (
            lambda: fs.compare("mobilenetv2", res=(224,)),
            f"res (224,) has one side, of height and width; {SIDES}",
        ),
        (lambda: fs.compare("mobilenetv2", res="224"), f"res '224' is text; {SIDES}"),
        (
            lambda: fs.compare("mobilenetv2", res=float("nan")),
            f"res nan is not the size of an image; {SIDES}",
        ),
        (lambda: fs.compare(None), f"None is not a network; {TARGETS}"),
        (
            lambda: fs.compare(["mobilenetv1", "mobilenetv2"]),
            "['mobilenetv1', 'mobilenetv2'] is a list, not a network; give each network as an "
            "argument of its own, as in fs.compare(*names)",
        ),
        (lambda: fs.compare(Net), "Net is a class; give a module of it, Net(...)"),
        (
            lambda: fs.compare("mobilenetv2", batch=True),
            "batch True is not a positive integer; give one such as 1",
        ),
        (
            lambda: fs.compare("mobilenetv2", check="yes"),
            "check 'yes' is neither True nor False; give one of them",
        ),
        (
            lambda: fs.compare("mobilenetv2", scale=2),
            "scale 2 is not a scaling; give one such as fs.Scaling(phi=1)",
        ),
        (lambda: fs.compare(), "no model to compare; name at least one, such as mobilenetv2"),
        (
            lambda: fs.check("mobilenetv2", resolution=224),
            "unknown argument of fs.check 'resolution'; known are res, batch, inputs, example, "
            "form, prove",
        ),
        (
            lambda: fs.profile(NET, inputs=(1, 3, 8, 8)),
            "fs.profile takes inputs by position, not by name; it is called as "
            "fs.profile(target, *inputs, res=None, batch=1, arguments=None, example=None, "
            "rules=None, convention='macs', by='module', depth=None, sort=None, columns=(), "
            "backward=False, epoch=None, scale=None, form=None)",
        ),
        (
            lambda: fs.hold(NET, inputs=(1, 3, 8, 8), max_macs="1M"),
            "inputs is no budget; give the shapes after the network, as in "
            "fs.hold(net, (1, 3, 224, 224), max_macs='300M')",
        ),
        (
            lambda: fs.analyze(),
            "fs.analyze: missing a required argument: 'model'; it is called as "
            "fs.analyze(model, res=None, batch=1, **options)",
        ),
        (
            lambda: fs.profile(NET),
            "Sequential does not state the size of its input; give it, such as res=224 or "
            "'1,3,224,224'",
        ),
        (
            lambda: fs.profile(NET, 1, 3, 224, 224),
            "1 is not an input; give a shape such as (1, 3, 224, 224), ('B', 3, 'H', 'W') or "
            "'ids=B,T:int64'",
        ),
        (
            lambda: fs.profile(NET, [(1, 3, 8, 8)]),
            "[(1, 3, 8, 8)] has several shapes in it; give each input as an argument of its own",
        ),
        (
            lambda: fs.profile(NET, (1, 3, "8", 8)),
            "'8' in the input (1, 3, '8', 8) is text; give an integer from 1, or a name such as "
            "'H'",
        ),
        (
            lambda: fs.profile(NET, (1, 3, 2.5, 8)),
            "2.5 in the input (1, 3, 2.5, 8) is not a size; give an integer from 1, or a name such "
            "as 'H'",
        ),
        (
            lambda: fs.profile(NET, SHAPE, res=224),
            "an input and res both give the size of the input; give one of them, such as res=224 "
            "or (1, 3, 224, 224)",
        ),
        (
            lambda: fs.profile(NET, SHAPE, batch=2),
            "an input gives the batch too, as in (8, 3, 224, 224); leave batch out",
        ),
        (
            lambda: fs.solve("mobilenetv2", free="width"),
            "no budget is given; give one, such as macs='150M'",
        ),
        (
            lambda: fs.solve("mobilenetv2", macs=-1, free="width"),
            "macs -1 is not a number from 1; give one such as 150M, 1.5 G, 3e8 or 300,000,000",
        ),
        (
            lambda: fs.solve("mobilenetv2", macs="150M", free=[None]),
            "None in free is not text; give one such as 'width'",
        ),
        (
            lambda: fs.pareto(with_catalogue=True),
            "with_catalogue adds the published accuracies to those of results; give both",
        ),
        (
            lambda: fs.pareto(families=("ghostnet", 3)),
            "3 in families is not text; give one such as 'ghostnet'",
        ),
        (lambda: fs.pareto(x=[]), "x is an empty list; name at least one, or leave it out"),
        (
            lambda: fs.reconcile("mobilenetv1"),
            'give a number, such as reported="579M" or params="4.2M", or tool="fvcore"',
        ),
        (
            lambda: fs.hold("mobilenetv2"),
            'no budget is given; give one, such as max_macs="300M"',
        ),
        (
            lambda: fs.hold("mobilenetv2", max_macs=True),
            "max_macs True is not a number from 1; give one such as 150M, as text, or 150_000_000",
        ),
        (
            lambda: fs.derive(nn.Linear(2, 3), {}),
            "Linear is a module already, and a formula in its arguments needs its class; give "
            "that, or see fs.formula",
        ),
        (
            lambda: fs.formula("separable-ratio"),
            "separable-ratio is a law, which has formulas of its own; see "
            "fs.law('separable-ratio')",
        ),
        (
            lambda: fs.formula("mobilenetv2", inputs=("B", 3, "H", "W")),
            "mobilenetv2 is free in the sizes of its inputs already; leave inputs out",
        ),
        (
            lambda: fs.formula(nn.Conv2d(3, 8, 3), free="width"),
            "Conv2d is not of the catalogue, and free, assume and ideal are for it; leave them "
            "out, or see fs.derive",
        ),
        (
            lambda: fs.formula(nn.Conv2d(3, 8, 3), "mac"),
            "unknown quantity 'mac'; did you mean macs?",
        ),
        (
            lambda: fs.formula(nn.ReLU()),
            "the module has no layer that tells its input's shape; give an input",
        ),
        (
            lambda: fs.trace(Net),
            "Net is a class; give a module of it, Net(...)",
        ),
        (
            lambda: fs.trace(NET, SHAPE, example={"H": 0}),
            "the example H=0 is not a size; give an integer from 1",
        ),
    ],
)
def test_representative_messages(call, message):
    with pytest.raises(fs.FlopscopeError) as raised:
        call()
    assert str(raised.value) == message


def test_integers_of_numpy_are_integers():
    side, batch = np.int64(192), np.int32(2)
    assert fs.compare("mobilenetv2", res=side, batch=batch).data == (
        fs.compare("mobilenetv2", res=192, batch=2).data
    )
    plain = fs.profile(NET, (2, 3, 8, 8)).data
    assert fs.profile(NET, (batch, 3, np.int16(8), np.uint8(8))).data == plain
    assert fs.analyze("mobilenetv2", width=np.float64(1.5)) == fs.analyze("mobilenetv2", width=1.5)


def test_one_text_is_a_list_of_one():
    alone = fs.formula("mobilenetv2", free="width")
    assert alone == fs.formula("mobilenetv2", free=["width"])
    both = fs.formula("mobilenetv2", free="width,classes")
    assert both == fs.formula("mobilenetv2", free=("width", "classes"))
