"""One matrix product compares a place with every cell; peaks stand apart."""

from dataclasses import replace

import numpy as np

from samdesk.model import peak, search
from samdesk.model.embedding import Embedding
from samdesk.model.similarity import APART_MM, KeyShelf, dense, keys_of, peaks
from tests.model import made


def test_a_key_is_the_descriptor_of_its_cell(template: Embedding) -> None:
    keys = keys_of(template)
    rows = np.arange(0, len(keys.rows), 97)
    expected = template.descriptors(keys.places(rows))
    # Coarse values are interpolated before and after rounding to length 1; the rest is the same.
    assert np.abs(keys.rows[rows] - expected).max() < 1e-5
    assert np.allclose(np.linalg.norm(keys.rows, axis=1), 1.0, atol=1e-5)


def test_rows_and_cells_name_each_other(template: Embedding) -> None:
    keys = keys_of(template)
    k, j, i = keys.index.T
    assert np.array_equal(keys.row_of[k, j, i], np.arange(len(keys.rows)))
    assert (keys.row_of[~template.body] == -1).all()
    assert len(keys.rows) == template.body.sum()


def test_the_dense_map_is_minus_one_outside_the_body(template: Embedding) -> None:
    keys = keys_of(template)
    grid = dense(keys, np.ones(len(keys.rows), np.float32))
    assert (grid[template.body] == 1).all()
    assert (grid[~template.body] == -1).all()


def test_peaks_are_apart_and_sorted(template: Embedding) -> None:
    keys = keys_of(template)
    query = template.descriptors(np.array([[10.0, -5.0, 12.0]]))
    values = (keys.rows @ query.T)[:, 0]
    rows = peaks(keys, values, 6)
    assert len(rows) == 6
    assert rows[0] == values.argmax()
    assert (np.diff(values[rows]) <= 0).all()
    places = keys.places(rows)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)[np.triu_indices(6, 1)]
    assert apart.min() >= APART_MM


def test_a_place_is_found_between_the_cells(template: Embedding) -> None:
    keys = keys_of(template)
    points = made.places(40)
    found = search.everywhere(keys, template.descriptors(points))
    error = np.linalg.norm(found.at_mm - points, axis=1)
    assert np.median(error) < 0.5
    assert error.max() < 1.0
    assert found.similarity.min() > 0.99


def test_every_second_cell_is_enough(template: Embedding) -> None:
    keys = keys_of(template)
    points = made.places(40)
    thin = search.everywhere(keys, template.descriptors(points), is_thin=True)
    assert (np.linalg.norm(thin.at_mm - points, axis=1) < 1.0).mean() > 0.9


def test_a_search_near_a_place_stays_there(template: Embedding) -> None:
    keys = keys_of(template)
    points = made.places(10)
    query = template.descriptors(points)
    found = search.near(keys, query, points + np.array([4.0, -3.0, 5.0]), 50.0)
    assert np.linalg.norm(found.at_mm - points, axis=1).max() < 1.0


def test_a_search_far_from_the_body_finds_nothing(template: Embedding) -> None:
    keys = keys_of(template)
    found = search.near(keys, template.descriptors(np.zeros((1, 3))), np.full((1, 3), 900.0), 50.0)
    assert np.isnan(found.at_mm).all()
    assert found.rows.tolist() == [-1]


def test_the_loss_is_three_tenths_at_the_scale(template: Embedding) -> None:
    keys = keys_of(template)
    row = np.array([100])
    place = keys.places(row)
    loss = search.losses(keys, row, place + np.array([[30.0, 0.0, 40.0]]), 50.0)
    assert np.isclose(loss[0, 0], 0.3, atol=1e-4)


def test_the_small_box_gives_the_answer_of_the_whole_scan(template: Embedding) -> None:
    keys = keys_of(template)
    points = made.places(25, seed=8)
    generator = np.random.default_rng(1)
    query = template.descriptors(points + generator.normal(0, 6, points.shape))
    expected = points + generator.normal(0, 12, points.shape)
    found = search.near(keys, query, expected, 50.0)
    every = np.arange(len(keys.rows))
    values = query @ keys.rows.T - search.losses(keys, every, expected, 50.0)
    assert np.array_equal(found.rows, values.argmax(axis=1))


def test_a_scan_without_a_body_has_no_answer(template: Embedding) -> None:
    keys = keys_of(replace(template, key="empty", body=np.zeros_like(template.body)))
    found = search.everywhere(keys, template.descriptors(np.zeros((2, 3))))
    assert np.isnan(found.at_mm).all()


def test_a_peak_on_the_rim_of_the_grid_stays_inside(template: Embedding) -> None:
    whole = replace(template, key="whole", body=np.ones_like(template.body))
    keys = keys_of(whole)
    place, _ = peak.refined(keys, template.descriptors(np.zeros((1, 3))), np.array([0]))
    index = keys.cells.to_index(place)[0]
    assert (index >= -1.0).all()


def test_the_pair_at_work_is_never_let_go(template: Embedding) -> None:
    shelf = KeyShelf(bound_bytes=1)
    first, second = template, replace(template, key="second")
    assert shelf.get(first) is shelf.get(first)
    held = shelf.get(second)
    shelf.get(first)
    assert shelf.get(second) is held
    shelf.get(replace(template, key="third"))
    assert shelf.get(first) is not None
