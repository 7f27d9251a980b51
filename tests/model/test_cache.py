"""Embeddings are kept within bounds, and a damaged file costs one scan."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.model import cache as caches
from samdesk.model.cache import EmbeddingCache, packed, unpacked
from samdesk.model.embedding import Embedding


def named(template: Embedding, key: str) -> Embedding:
    return replace(template, key=key)


def assert_same(one: Embedding | None, other: Embedding) -> None:
    assert one is not None
    for name in ("fine", "coarse", "body"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    for name in ("scan", "fine_cells", "coarse_cells"):
        assert getattr(one, name).shape == getattr(other, name).shape
        assert np.array_equal(getattr(one, name).affine, getattr(other, name).affine)
    assert (one.key, one.model) == (other.key, other.model)


def test_what_was_put_is_there_after_a_new_start(template: Embedding, tmp_path: Path) -> None:
    EmbeddingCache(tmp_path / "cache").put(template)
    assert_same(EmbeddingCache(tmp_path / "cache").get(template.key), template)


def test_without_a_folder_memory_alone_is_used(template: Embedding) -> None:
    cache = EmbeddingCache(None)
    assert cache.get(template.key) is None
    cache.put(template)
    assert cache.get(template.key) is template
    cache.clear()
    assert cache.get(template.key) is None


def test_memory_lets_the_longest_unused_go(template: Embedding) -> None:
    cache = EmbeddingCache(None, memory_bytes=2 * template.size_bytes)
    for key in ("a", "b"):
        cache.put(named(template, key))
    cache.get("a")
    cache.put(named(template, "c"))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.held_bytes <= 2 * template.size_bytes


def test_the_disk_keeps_within_its_bound(template: Embedding, tmp_path: Path) -> None:
    size = packed(template).nbytes
    cache = EmbeddingCache(tmp_path, memory_bytes=1, disk_bytes=2 * size + 1000)
    for key in ("a", "b", "c"):
        cache.put(named(template, key))
    assert len(list(tmp_path.iterdir())) == 2


def test_one_larger_than_the_bound_is_not_written(template: Embedding, tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, disk_bytes=1000).put(template)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", [20, 200, -50])
def test_a_damaged_file_is_dropped(template: Embedding, tmp_path: Path, where: int) -> None:
    EmbeddingCache(tmp_path).put(template)
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[where] ^= 0xFF
    path.write_bytes(data)

    assert EmbeddingCache(tmp_path).get(template.key) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_a_file_that_was_cut_is_dropped(template: Embedding, tmp_path: Path, size: int) -> None:
    EmbeddingCache(tmp_path).put(template)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:size])
    assert EmbeddingCache(tmp_path).get(template.key) is None
    assert not path.exists()


def test_the_file_of_another_scan_is_not_taken(template: Embedding) -> None:
    with pytest.raises(ValueError, match="of something else"):
        unpacked(packed(template), "another")


def test_a_full_disk_is_a_notice(
    template: Embedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "LEFT_FREE_BYTES", 10**18)
    cache = EmbeddingCache(tmp_path)
    cache.put(template)
    cache.put(named(template, "b"))
    assert [notice.code for notice in cache.notices] == ["no-room"]
    assert cache.get(template.key) is template
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_notice(template: Embedding, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = EmbeddingCache(tmp_path / "cache")
    cache.put(template)
    assert [notice.code for notice in cache.notices] == ["read-only"]
    assert cache.get(template.key) is template


def test_a_write_that_breaks_leaves_nothing_behind(
    template: Embedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caches.np, "save", broken)
    cache = EmbeddingCache(tmp_path)
    cache.put(template)
    assert list(tmp_path.iterdir()) == []
    assert cache.notices


def test_clearing_empties_the_folder(template: Embedding, tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.put(template)
    cache.clear()
    assert list(tmp_path.iterdir()) == []
