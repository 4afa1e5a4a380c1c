"""What torch.save writes, torch.load gives back; what it cannot hold, and damaged files, are named."""

import io
import json
import zipfile
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import torch


def saved(obj):
    file = io.BytesIO()
    torch.save(obj, file)
    return file.getvalue()


def there_and_back(obj):
    return torch.load(io.BytesIO(saved(obj)))


TENSORS = [
    torch.tensor(1.5),
    torch.arange(6).reshape(2, 3),
    torch.arange(6.0).reshape(2, 3).t(),
    torch.arange(24.0).reshape(2, 3, 4)[:, ::2, 1:],
    torch.tensor([1 + 2j, 3j]),
    torch.tensor([True, False]),
    torch.tensor([float("nan"), float("inf"), -0.0]),
    torch.zeros(0, 3, dtype=torch.float64),
    torch.tensor([], dtype=torch.int8),
    torch.ones(3).expand(4, 3),
    torch.ones(2, dtype=torch.float16),
    torch.tensor([1, 2], dtype=torch.uint8),
]


@pytest.mark.parametrize("x", TENSORS, ids=repr)
def test_tensors(x):
    y = there_and_back(x)
    assert type(y) is torch.Tensor and y.dtype is x.dtype and y.shape == x.shape and not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), x.numpy())
    if y.numel() > 1:
        assert y.numpy().strides == x.numpy().strides


@pytest.mark.parametrize(
    "obj",
    [
        None,
        True,
        3,
        -(2**70),
        0.1,
        float("inf"),
        1e-320,
        complex(-0.0, float("-inf")),
        "text, 字 \ud800 \x00",
        [],
        (),
        {},
        [1, (2.5, None), {"a": [True]}],
        {1: "a", (2, "b"): "c", None: [], 1.5: ()},
        OrderedDict([("z", 1), ("a", OrderedDict())]),
        torch.Size([2, 3]),
        torch.float16,
        [1, True, 1.0],
    ],
    ids=repr,
)
def test_plain_objects(obj):
    back = there_and_back(obj)
    assert back == obj and repr(back) == repr(obj) and type(back) is type(obj)


def test_nan_stays_nan():
    assert np.isnan(there_and_back([float("nan")])[0])


def test_requires_grad_and_classes_are_kept_and_histories_are_not():
    x = torch.ones(2, requires_grad=True)
    p = torch.nn.Parameter(torch.ones(3))
    frozen = torch.nn.Parameter(torch.ones(3), requires_grad=False)
    buffer = torch.nn.Buffer(torch.ones(1), persistent=False)
    (x * 2).sum().backward()
    back = there_and_back([x, x * 2, p, frozen, buffer])
    assert [y.requires_grad for y in back] == [True, True, True, False, False]
    assert all(y.is_leaf and y.grad is None for y in back)
    assert [type(y) for y in back[2:]] == [torch.nn.Parameter, torch.nn.Parameter, torch.nn.Buffer]
    assert back[4].persistent is False
    (back[0] * 3).sum().backward()
    assert back[0].grad.tolist() == [3.0, 3.0]


def test_memory_that_is_shared_stays_shared():
    x = torch.zeros(4, 5)
    row, column, twin = there_and_back({"x": x, "parts": [x[1], x[:, 2], x]}).pop("parts")
    row.fill_(7)
    assert column.tolist() == [0.0, 7.0, 0.0, 0.0]
    assert twin[1].tolist() == [7.0] * 5
    z = torch.zeros(3, dtype=torch.complex64)
    whole, part = there_and_back((z, torch.from_numpy(z.numpy().imag)))
    part.fill_(1)
    assert whole.tolist() == [1j, 1j, 1j]


def test_memory_that_is_not_shared_stays_apart():
    x = torch.zeros(6)
    a, b = there_and_back([x[:3], x[3:]])
    a.fill_(1)
    assert b.tolist() == [0.0, 0.0, 0.0]


def test_one_tensor_twice_is_one_tensor_twice():
    p = torch.nn.Parameter(torch.ones(2))
    back = there_and_back({"encoder": p, "decoder": [p]})
    assert back["encoder"] is back["decoder"][0]


def test_a_small_part_of_a_large_tensor_is_a_small_file():
    assert len(saved(torch.zeros(1_000_000)[10:13])) < 2000


def test_what_stands_between_the_elements_is_not_written():
    x = torch.full((9,), 7.0)
    assert zip_of(saved(x[::4]))["memory/0.npy"].count(np.float32(7).tobytes()) == 3


def test_the_same_object_gives_the_same_bytes():
    assert saved({"a": torch.ones(3)}) == saved({"a": torch.ones(3)})


def test_modules_and_optimizers_go_on_from_a_file(tmp_path):
    def run(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            ((model(torch.ones(4, 3)) - 1) ** 2).mean().backward()
            optimizer.step()
        return [p.tolist() for p in model.parameters()]

    def made():
        model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
        return model, torch.optim.Adam(model.parameters(), lr=0.1)

    model, optimizer = made()
    run(model, optimizer, 3)
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, path)
    expected = run(model, optimizer, 3)
    model, optimizer = made()
    state = torch.load(str(path), map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    assert run(model, optimizer, 3) == expected
    assert state["epoch"] == 3


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (lambda x: x, r"save: obj must be a tensor.*got builtins\.function"),
        ({"a": [1, {2, 3}]}, r"save: obj\['a'\]\[1\] must be .*got builtins\.set"),
        ({"a": (np.float64(1.5),)}, r"(?s)obj\['a'\]\[0\] must be .*got numpy\.float64.*item\(\)"),
        ([np.ones(2)], r"(?s)obj\[0\] must be .*got numpy\.ndarray.*torch\.from_numpy"),
        ({"net": torch.nn.Linear(1, 1)}, r"(?s)obj\['net'\] must be .*Linear.*Hint: save its state_dict\(\)"),
        ({b"k": 1}, r"obj, key b'k', must be .*got builtins\.bytes"),
        ([Pair(1, 2)], r"obj\[0\] must be .*got .*Pair"),
    ],
)
def test_objects_it_cannot_hold_are_named(obj, message):
    with pytest.raises(TypeError, match=message):
        saved(obj)


def test_an_object_that_contains_itself():
    obj = {"a": [1]}
    obj["a"].append(obj)
    with pytest.raises(TypeError, match=r"save: obj\['a'\]\[1\] contains itself"):
        saved(obj)


def test_a_traced_tensor_has_no_values():
    def f(a):
        saved([torch.tensors.wrap(a)])

    with pytest.raises(TypeError, match=r"save: obj\[0\] is a traced tensor"):
        fg.jit(f)(np.ones(2))


def test_an_object_it_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        torch.save({1, 2}, tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


def test_wrong_places():
    with pytest.raises(RuntimeError, match="Parent directory /no/such does not exist"):
        torch.save(1, "/no/such/file.pt")
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
        torch.save(1, 3)
    with pytest.raises(FileNotFoundError):
        torch.load("/no/such/file.pt")


def test_pickles_are_not_read():
    with pytest.raises(NotImplementedError, match="weights_only=False would unpickle"):
        torch.load(io.BytesIO(saved(1)), weights_only=False)
    with pytest.raises(NotImplementedError, match="written by PyTorch, as a pickle"):
        torch.load(io.BytesIO(b"\x80\x02}q\x00."))
    with pytest.raises(NotImplementedError, match=r"(?s)written by PyTorch.*Hint: .*numpy\.savez"):
        torch.load(io.BytesIO(zip_from({"archive/data.pkl": b"\x80\x02}q\x00."})))


def zip_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_from(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def changed(**entries):
    """Return a saved tensor whose description says something else."""
    members = zip_of(saved(torch.arange(4.0)))
    contents = json.loads(members["contents.json"])
    contents["tensors"][0].update(entries)
    return zip_from(members | {"contents.json": json.dumps(contents)})


def without(name):
    members = zip_of(saved(torch.arange(4.0)))
    members.pop(name)
    return zip_from(members)


def with_object(described):
    members = zip_of(saved(torch.arange(4.0)))
    contents = json.loads(members["contents.json"]) | {"object": described}
    return zip_from(members | {"contents.json": json.dumps(contents)})


def with_npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return zip_from(zip_of(saved(torch.arange(4.0))) | {"memory/0.npy": file.getvalue()})


def flipped_in_the_elements():
    data = bytearray(saved(torch.full((4,), 3.0)))
    data[data.rindex(np.float32(3).tobytes())] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        saved(torch.ones(100))[:-30],
        saved(torch.ones(100))[:200],
        flipped_in_the_elements(),
        without("memory/0.npy"),
        zip_from({"contents.json": b"{"}),
        zip_from({"contents.json": b"[]"}),
        zip_from({"contents.json": b'{"format": "other"}'}),
        changed(shape=[5]),
        changed(shape=[-1]),
        changed(offset=-4),
        changed(offset=100),
        changed(strides=[-4]),
        changed(strides=[4000]),
        changed(dtype="object"),
        changed(dtype="M8[s]"),
        changed(dtype="int32", requires_grad=True),
        changed(**{"class": "Popen"}),
        with_object({"tensor": 7}),
        with_object({"eval": "1"}),
        with_object({"list": 3}),
        with_object([1]),
        with_object({"dict": [[{"list": []}, 1]]}),
        with_npy(np.array([{}], object)),
        with_npy(np.ones(2, np.float32)),
    ],
    ids=range(24),
)
def test_damaged_files(data):
    with pytest.raises(RuntimeError, match="load: the file is damaged"):
        torch.load(io.BytesIO(data))


def test_other_files(tmp_path):
    path = tmp_path / "x.pt"
    for data in (b"", b"hello world", zip_from({"a": b"b"})):
        path.write_bytes(data)
        with pytest.raises(
            RuntimeError, match=r"load: .*x\.pt is not a file that funcgrad\.torch\.save wrote"
        ):
            torch.load(path)


def test_a_newer_format():
    members = zip_of(saved(1))
    contents = json.loads(members["contents.json"]) | {"version": 2}
    with pytest.raises(RuntimeError, match=r"(?s)has version 2 of the format.*newer funcgrad"):
        torch.load(io.BytesIO(zip_from({"contents.json": json.dumps(contents)})))
