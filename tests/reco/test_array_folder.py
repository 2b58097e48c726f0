"""Array folders: what is read is what was written, or it is refused with the reason."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reco.array_folder import MANIFEST, Frozen, check_layout, read_arrays, write_arrays
from reco.errors import ArtifactDamaged, ArtifactRefused


class Facts(Frozen):
    """A record for these tests."""

    name: str


ARRAYS = {
    "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
    "names": np.array([b"a", "é".encode()]),
    "nothing": np.empty(0, dtype=np.int64),
}


@pytest.fixture
def folder(tmp_path):
    write_arrays(tmp_path / "v1", Facts(name="one"), ARRAYS, schema_version=1)
    return tmp_path / "v1"


def read(folder):
    return read_arrays(folder, Facts, schema_version=1)


@given(
    array=hnp.arrays(
        st.sampled_from([np.int64, np.float32, np.bool_, np.dtype("S5")]),
        hnp.array_shapes(max_dims=2, min_side=0, max_side=4),
    )
)
def test_round_trip(tmp_path_factory, array):
    folder = tmp_path_factory.mktemp("arrays") / "v"
    write_arrays(folder, Facts(name="x"), {"array": array}, schema_version=1)
    found = read(folder).arrays["array"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_what_is_read_is_mapped_and_cannot_be_written(folder):
    numbers = read(folder).arrays["numbers"]
    with pytest.raises(ValueError, match="read-only"):
        numbers[0, 0] = 1


def test_the_digest_tells_contents_apart(tmp_path):
    digests = {
        write_arrays(tmp_path / name, Facts(name=name), ARRAYS, schema_version=1)
        for name in ("a", "b")
    }
    assert len(digests) == 2
    assert read(tmp_path / "a").digest in digests


def test_a_version_is_written_once(folder):
    with pytest.raises(FileExistsError, match="written once"):
        write_arrays(folder, Facts(name="two"), {}, schema_version=1)
    assert read(folder).facts.name == "one"


def test_nothing_is_left_of_a_write_that_fails(tmp_path):
    with pytest.raises(ValueError, match="cannot name"):
        write_arrays(tmp_path / "v", Facts(name="x"), {"../out": np.arange(2)}, schema_version=1)
    assert list(tmp_path.iterdir()) == []


def truncate(folder):
    path = folder / "numbers.npy"
    path.write_bytes(path.read_bytes()[:-4])


def flip_a_bit(folder):
    path = folder / "numbers.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def remove(folder):
    (folder / "names.npy").unlink()


def truncate_manifest(folder):
    path = folder / MANIFEST
    path.write_text(path.read_text()[:-20])


def edit(change):
    def apply(folder):
        path = folder / MANIFEST
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (truncate, "truncated or altered"),
        (flip_a_bit, "SHA-256"),
        (remove, "names.npy is missing"),
        (truncate_manifest, "truncated or no manifest"),
        (edit(lambda m: m.update(schema_version=2)), "schema version 2"),
        (edit(lambda m: m["facts"].update(name=3)), "facts.name"),
        (edit(lambda m: m["facts"].update(more=3)), "facts.more"),
        (edit(lambda m: m["arrays"]["numbers"].update(shape=[3, 2])), "is <f4"),
        (edit(lambda m: m["arrays"].update({"../x": m["arrays"]["numbers"]})), "cannot name"),
    ],
)
def test_harm_is_refused_with_the_reason(folder, harm, reason):
    harm(folder)
    with pytest.raises(ArtifactRefused, match=reason) as refusal:
        read(folder)
    is_damage = harm in {truncate, flip_a_bit, remove}
    assert isinstance(refusal.value, ArtifactDamaged) == is_damage


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(ArtifactRefused, match=r"manifest\.json is missing"):
        read(tmp_path / "none")


def test_a_layout_names_what_does_not_fit(folder):
    arrays = read(folder).arrays
    layout = {"numbers": ("float32", ("rows", "columns")), "names": ("S", ("rows",))}
    check_layout(folder, arrays, layout)
    for name, wrong in {
        "numbers": ("float64", ("rows", "columns")),
        "names": ("S", ("columns",)),
        "absent": ("int64", ("rows",)),
    }.items():
        with pytest.raises(ArtifactRefused, match=name):
            check_layout(folder, arrays, layout | {name: wrong})
